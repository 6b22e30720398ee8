"""What a search of the catalogue costs over 100,000 invented tools, beside the least that PostgreSQL can be asked."""

import random
import statistics
import time
from collections.abc import Callable

from django.db import connection, transaction

from catalog.models import KnownServer, KnownTool
from catalog.search import search_catalogue
from catalog.services import collect_words
from catalog.words import name_words
from tests.bench.tools import AREAS, VERBS, WORDS

SERVERS = 200
TOOLS_OF_EACH = 500
ROUNDS = 20
GOAL_MS = 50
# By what a search has to do: few matches, many, one rare name, words mistyped, and nothing at all.
QUERIES = {
    "three words": "cancel order margin",
    "one word of many tools": "order",
    "a whole name": "cancelOrderMargin7",
    "a name begun": "cancelorderm",
    "two words mistyped": "cancle levrage",
    "words that nobody has": "xylophone quagmire",
}


def measure_search() -> None:
    """Fill the catalogue, search it, print the table, and leave the catalogue as it was."""
    with transaction.atomic():
        _fill()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_knowntool, catalog_knownword")
        _print_table()
        transaction.set_rollback(True)


def _fill() -> None:
    choose = random.Random(100_000)
    servers = [
        KnownServer(slug=f"bench-{number}", name=f"Bench {number}", publisher="bench", release="1")
        for number in range(SERVERS)
    ]
    for server in KnownServer.objects.bulk_create(servers):
        KnownTool.objects.bulk_create(_invent(choose, server, position) for position in range(TOOLS_OF_EACH))
    collect_words()


def _invent(choose: random.Random, server: KnownServer, position: int) -> KnownTool:
    verb, one, other = choose.choice(VERBS), choose.choice(AREAS), choose.choice(AREAS)
    name = f"{verb}{one.capitalize()}{other.capitalize()}{position}"
    return KnownTool(
        server=server,
        position=position,
        name=name,
        title=f"{verb.capitalize()} {one} {other}",
        module=one,
        category="write",
        risk="medium",
        summary=" ".join(choose.choice(WORDS) for _ in range(30)),
        rationale="-",
        requires_auth=True,
        method="MCP",
        endpoint="tools/call",
        input_schema='{"type":"object"}',
        name_words=name_words(name),
        context_words=f"{one} {server.name}",
    )


def _print_table() -> None:
    least = _median(_ask_least)
    print(f"\n| search of {SERVERS * TOOLS_OF_EACH:,} tools, medians of {ROUNDS} | ms | goal | of the least query |")
    print("|---|---|---|---|")
    print(f"| SELECT 1 | {least:.2f} | | 1 |")
    for label, text in QUERIES.items():
        took = _median(lambda text=text: search_catalogue(text))
        print(f"| {label} | {took:.1f} | {GOAL_MS} | {took / least:,.0f} |")


def _median(ask: Callable[[], object]) -> float:
    ask()
    seen = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        seen.append((time.perf_counter() - start) * 1000)
    return statistics.median(seen)


def _ask_least() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
