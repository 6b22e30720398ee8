"""Search over all servers and tools: full text ranked by PostgreSQL, and trigrams for what is mistyped. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from catalog.models import KnownServer
from catalog.words import query_words

MAX_WORDS = 8
# A word that very many tools hold is ranked among this many of them, so that no search reads the whole catalogue.
CANDIDATES = 500
# The most tools that one server may have: a search among them ranks them all.
ALL_OF_A_SERVER = 5000
ALTERNATIVES = 3
LIKENESS = 0.35
# Long words are whole names, which have many trigrams in common without being meant.
LIKENESS_OF_LONG = 0.5

# A word is known when a word of the catalogue begins with it. The column is collated "C", so a range is a beginning.
KNOWN_WORDS = """
SELECT wanted FROM unnest(%s::text[]) AS wanted WHERE EXISTS
    (SELECT 1 FROM catalog_knownword WHERE word >= wanted COLLATE "C" AND word < wanted || chr(1114111) COLLATE "C")
"""
# The operator's own threshold, so that the index gives few words to look at. PostgreSQL takes it for cheap to compare
# two words, and would rather read all of them.
ASK_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL pg_trgm.similarity_threshold = {}"
SIMILAR_WORDS = """
SELECT word FROM catalog_knownword WHERE word %% %(word)s
ORDER BY similarity(word, %(word)s) DESC, word LIMIT %(limit)s
"""
# In the words of an index that leaves the long ones out, which are the whole names of tools.
SHORT = 10
SIMILAR_SHORT_WORDS = SIMILAR_WORDS.replace("WHERE", "WHERE length(word) <= 12 AND")
# A word's stem in English; empty for one that says nothing, such as "the".
STEMS = "SELECT word, ts_lexize('english_stem', word) FROM unnest(%s::text[]) AS word"
TOOLS = """
WITH wanted AS (SELECT to_tsquery('simple', %(query)s) AS query), found AS (
    (SELECT id FROM catalog_knowntool WHERE lower(name) COLLATE "C" LIKE %(start)s
        AND (%(server)s::bigint IS NULL OR server_id = %(server)s) ORDER BY lower(name) COLLATE "C" LIMIT %(shown)s)
    UNION
    (SELECT id FROM catalog_knowntool WHERE search @@ (SELECT query FROM wanted)
        AND (%(server)s::bigint IS NULL OR server_id = %(server)s) LIMIT %(candidates)s)
)
SELECT tool.id FROM wanted, found JOIN catalog_knowntool AS tool USING (id)
ORDER BY (lower(tool.name) = %(name)s) DESC, (lower(tool.name) LIKE %(start)s) DESC,
    ts_rank(tool.search, wanted.query) + similarity(lower(tool.name), %(name)s) DESC,
    length(tool.name), tool.name, tool.id
LIMIT %(shown)s
"""
SERVERS = """
SELECT id FROM catalog_knownserver
WHERE to_tsvector('simple', name || ' ' || replace(slug, '-', ' ') || ' ' || publisher) @@ to_tsquery('simple', %s)
ORDER BY name LIMIT 10
"""

# What one typed word may stand for.
Meant = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """Primary keys of what was found, best first. `corrected` holds the words that were looked for instead."""

    servers: tuple[int, ...] = ()
    tools: tuple[int, ...] = ()
    corrected: tuple[str, ...] = ()


def find_words(text: str, limit: int) -> Hits:
    """Servers, and at most `limit` tools, for words that a person typed; a text without any word finds nothing.

    A tool must hold every word, as a beginning of one of its own; a word that the catalogue does not know stands for
    the known words that are spelled most like it. Names weigh more than titles, titles more than summaries.
    """
    words = query_words(text, MAX_WORDS)
    if not words:
        return Hits()
    with connection.cursor() as cursor:
        meant = _correct(cursor, words)
        tools = _find_tools(cursor, words, meant, None, limit)
        cursor.execute(SERVERS, [_all_of(meant)])
        servers = [row[0] for row in cursor.fetchall()]
    guessed = [option for word, options in zip(words, meant, strict=True) for option in options if option != word]
    return Hits(tuple(servers), tuple(tools), tuple(guessed))


def search_server(server: KnownServer, text: str) -> list[int]:
    """The primary keys of the server's tools that the words of the text find, best first."""
    words = query_words(text, MAX_WORDS)
    if not words:
        return []
    with connection.cursor() as cursor:
        return _find_tools(cursor, words, _correct(cursor, words), server, ALL_OF_A_SERVER)


def _find_tools(
    cursor: Any, words: Sequence[str], meant: Sequence[Meant], server: KnownServer | None, limit: int
) -> list[int]:
    name = "".join(words)
    values = {
        "query": _all_of(_add_stems(cursor, meant)),
        "name": name,
        "start": f"{name}%",
        "server": server and server.pk,
        "candidates": max(CANDIDATES, limit),
        "shown": limit,
    }
    cursor.execute(TOOLS, values)
    return [row[0] for row in cursor.fetchall()]


def _all_of(meant: Sequence[Meant]) -> str:
    # Words are letters and digits alone, so nothing in them is an operator of a tsquery.
    return " & ".join(f"({' | '.join(f'{word}:*' for word in options)})" for options in meant)


def _add_stems(cursor: Any, meant: Sequence[Meant]) -> Sequence[Meant]:
    """The beginnings to look for: names are stored as they are, texts by their stems too.

    A stem that the word begins with finds both, and each beginning more costs the index as much as the first.
    """
    cursor.execute(STEMS, [[word for options in meant for word in options]])
    stems: dict[str, list[str]] = dict(cursor.fetchall())
    found: list[Meant] = []
    for options in meant:
        begun: dict[str, None] = {}
        for word in options:
            stem = stems[word][0] if stems[word] else ""
            begun |= dict.fromkeys([stem] if stem and word.startswith(stem) else [stem, word] if stem else [])
        if begun:
            found.append(tuple(begun))
    return found or meant


def _correct(cursor: Any, words: Sequence[str]) -> list[Meant]:
    """For each word what it may stand for: itself, or where nobody knows it the words spelled most like it."""
    cursor.execute(KNOWN_WORDS, [list(words)])
    known = {row[0] for row in cursor.fetchall()}
    meant: list[Meant] = []
    for word in words:
        options: Meant = ()
        if word not in known and len(word) > 2:
            is_short = len(word) <= SHORT
            with transaction.atomic():
                cursor.execute(ASK_INDEX.format(LIKENESS if is_short else LIKENESS_OF_LONG))
                similar = SIMILAR_SHORT_WORDS if is_short else SIMILAR_WORDS
                cursor.execute(similar, {"word": word, "limit": ALTERNATIVES})
                options = tuple(row[0] for row in cursor.fetchall())
        meant.append(options or (word,))
    return meant
