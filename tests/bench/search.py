"""What a search of the catalogue costs over 100,000 invented tools, beside the least that PostgreSQL can be asked."""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial

from django.db import connection, transaction

from catalog.access import search_catalogue
from catalog.models import KnownServer, KnownTool
from catalog.services import collect_words
from catalog.words import name_words
from tests.bench.processes import cpu_seconds
from tests.bench.tools import AREAS, VERBS, WORDS

SERVERS = 200
TOOLS_OF_EACH = 500
ROUNDS = 40
GOAL_MS = 50
# By what a search has to do: few matches, many, one rare name, what is mistyped, and nothing at all.
QUERIES = {
    "three words": "cancel order margin",
    "one word of many tools": "order",
    "a whole name": "cancelOrderMargin7",
    "a name begun": "cancelorderm",
    "a part of many names": "orderMargin",
    "two words mistyped": "cancle levrage",
    "a whole name mistyped": "cancelordrmargin",
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
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    least, cpu = _measure(_ask_least, backend)
    head = f"search of {SERVERS * TOOLS_OF_EACH:,} tools, {ROUNDS} times"
    print(f"\n| {head} | median ms | goal | CPU ms | of the least query |")
    print("|---|---|---|---|---|")
    print(f"| SELECT 1 | {least:.2f} | | {cpu:.1f} | 1 |")
    for label, text in QUERIES.items():
        took, cpu = _measure(partial(search_catalogue, text), backend)
        print(f"| {label} | {took:.1f} | {GOAL_MS} | {cpu:.1f} | {took / least:,.0f} |")


def _measure(ask: Callable[[], object], backend: int) -> tuple[float, float]:
    """Median time, and mean CPU time here and in PostgreSQL, in ms; other work on the machine bends the first."""
    ask()
    seen = []
    before = cpu_seconds(backend) + time.process_time()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        seen.append((time.perf_counter() - start) * 1000)
    spent = cpu_seconds(backend) + time.process_time() - before
    return statistics.median(seen), spent / ROUNDS * 1000


def _ask_least() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
