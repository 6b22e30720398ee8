"""Splits names and texts into the words that searches compare. Plain functions, no database."""

import re

# camelCase, ALLCAPSThenWord, snake_case, digits; letters of any script count.
NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
TEXT_WORD = re.compile(r"[^\W_]+")
MAX_WORD = 128


def name_words(name: str) -> str:
    """The whole name and its parts, lower case: "wsCancelAll" is found as wscancelall, ws, cancel and all."""
    parts = [word.lower() for word in NAME_WORD.findall(name)]
    return " ".join(dict.fromkeys(["".join(parts), *parts]))


def query_words(text: str, limit: int) -> list[str]:
    """At most `limit` different words that a reader typed, lower case, names of tools split as they are stored."""
    found = (word.lower()[:MAX_WORD] for part in TEXT_WORD.findall(text) for word in NAME_WORD.findall(part))
    return list(dict.fromkeys(found))[:limit]
