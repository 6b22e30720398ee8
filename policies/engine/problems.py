"""What is wrong with a policy document, said so that its author can mend it: pointer, sentence, nearest name, place."""

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from policies.engine.reader import Document, Node, count_place, join_pointer
from policies.engine.values import name_type

_MAX_PROBLEMS: Final = 100
_MAX_NAME: Final = 128
_MAX_LOOKUPS: Final = 60


@dataclass(frozen=True)
class Problem:
    """One error or warning. `line` and `column` are the place in the text from 1 on, 0 when unknown."""

    pointer: str
    message: str
    suggestion: str = ""
    line: int = 0
    column: int = 0

    @property
    def hint(self) -> str:
        """The suggestion as a sentence; nothing where the message says it already."""
        if not self.suggestion or self.message.startswith(quote(self.suggestion)):
            return ""
        return self.suggestion if self.suggestion.startswith("{") else f"Did you mean {quote(self.suggestion)}?"


class Problems:
    """Collects errors and warnings of one document, at most a hundred of each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._errors: list[tuple[int, Problem]] = []
        self._warnings: list[tuple[int, Problem]] = []
        self._lookups = 0

    def add_error(self, pointer: str, message: str, suggestion: str = "", *, at_key: bool = False) -> None:
        self._add(self._errors, pointer, message, suggestion, at_key=at_key)

    def add_warning(self, pointer: str, message: str, suggestion: str = "", *, at_key: bool = False) -> None:
        self._add(self._warnings, pointer, message, suggestion, at_key=at_key)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return self._list(self._errors)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self._list(self._warnings)

    def find_nearest(self, name: str, candidates: Iterable[str]) -> str:
        """The valid name nearest to a wrong one, or nothing when none is near."""
        self._lookups += 1
        if self._lookups > _MAX_LOOKUPS:
            return ""
        return find_nearest(name, candidates)

    def _add(
        self, found: list[tuple[int, Problem]], pointer: str, message: str, suggestion: str, *, at_key: bool
    ) -> None:
        if len(found) >= _MAX_PROBLEMS:
            return
        offset = self._document.locate(pointer, at_key=at_key)
        problem = Problem(pointer, message, suggestion, *count_place(self._document.text, offset))
        if (offset, problem) not in found:
            found.append((offset, problem))

    @staticmethod
    def _list(found: list[tuple[int, Problem]]) -> tuple[Problem, ...]:
        return tuple(problem for _, problem in sorted(found, key=lambda entry: entry[0]))


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document with its pointer. Its readers report what is wrong and return None."""

    node: Node
    pointer: str
    problems: Problems

    def error(self, message: str, suggestion: str = "") -> None:
        self.problems.add_error(self.pointer, message, suggestion)

    def warn(self, message: str, suggestion: str = "") -> None:
        self.problems.add_warning(self.pointer, message, suggestion)

    def read_fields(self, known: Collection[str], required: Sequence[str] = ()) -> dict[str, "Place"] | None:
        """An object with none but known keys. Unknown and absent ones are reported, the rest is returned."""
        if not isinstance(self.node.value, dict):
            self._reject("an object")
            return None
        for key in self.node.members:
            if key not in known:
                self.problems.add_error(
                    join_pointer(self.pointer, key),
                    f"{quote(key)} is not known here; known are {list_words(known)}.",
                    self.problems.find_nearest(key, known),
                    at_key=True,
                )
        for key in required:
            if key not in self.node.members:
                self.error(f"{quote(key)} is missing here.", key)
        return {key: self._child(key, node) for key, node in self.node.members.items() if key in known}

    def read_members(self) -> dict[str, "Place"]:
        """An object with any keys; nothing when it is no object."""
        if not isinstance(self.node.value, dict):
            self._reject("an object")
            return {}
        return {key: self._child(key, node) for key, node in self.node.members.items()}

    def read_list(self) -> list["Place"]:
        """A list; nothing when it is none."""
        if not isinstance(self.node.value, list):
            self._reject("a list")
            return []
        return [self._child(index, node) for index, node in enumerate(self.node.elements)]

    def read_text(self) -> str | None:
        value = self.node.value
        if isinstance(value, str):
            return value
        self._reject("text")
        return None

    def read_word(self, words: Collection[str], aliases: dict[str, str] | None = None) -> str | None:
        """One of a few words; anything else is reported with the nearest of them."""
        value = self.node.value
        if not isinstance(value, str):
            self._reject(f"one of {list_words(words)}")
            return None
        if value in words:
            return value
        nearest = (aliases or {}).get(value.lower(), "") or self.problems.find_nearest(value, words)
        self.error(f"{quote(value)} is not known here; it is one of {list_words(words)}.", nearest)
        return None

    def _reject(self, expected: str) -> None:
        self.error(f"Expected {expected} here, found {name_type(self.node.value)}.")

    def _child(self, part: str | int, node: Node) -> "Place":
        return Place(node, join_pointer(self.pointer, part), self.problems)


def find_nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate nearest to a name: the same but for case, else the most similar one, else nothing."""
    short = [candidate for candidate in candidates if len(candidate) <= _MAX_NAME]
    folded = name[:_MAX_NAME].casefold()
    same = next((candidate for candidate in short if candidate.casefold() == folded), None)
    if same is not None:
        return same
    similar = difflib.get_close_matches(name[:_MAX_NAME], short, n=1)
    return similar[0] if similar else ""


def quote(text: str) -> str:
    """A name from the document for a sentence: quoted, cut to a readable length."""
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}..."'


def list_words(words: Iterable[str], joiner: str = "and") -> str:
    """`a, b and c`."""
    *most, last = list(words) or ["nothing"]
    return f"{', '.join(most)} {joiner} {last}" if most else last
