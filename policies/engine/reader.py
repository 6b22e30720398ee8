"""Strict JSON for policy documents: no duplicate key, bounded size and depth, the place of each value in the text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from policies.engine.values import JSON

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_KEY: Final = 256

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?([0-9]+))?")
_STRING: Final = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"')
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_MAX_NUMBER: Final = 64
_MAX_EXPONENT_DIGITS: Final = 3


class ReadError(Exception):
    """A text that is not one JSON value. Carries what is wrong and the offset where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(slots=True)
class Node:
    """A JSON value, where it starts, and the nodes inside it. `key_start` is the place of its key in an object."""

    value: JSON
    start: int
    key_start: int = 0
    members: dict[str, "Node"] = field(default_factory=dict)
    elements: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """A text, its root node, and the keys that stood twice (as JSON pointer and offset)."""

    text: str
    root: Node
    duplicates: list[tuple[str, int]]

    def locate(self, pointer: str, *, at_key: bool = False) -> int:
        """The offset of the value (or its key) that a JSON pointer names; its nearest parent's when it is absent."""
        node, offset = self.root, self.root.start
        for part in split_pointer(pointer):
            child = node.members.get(part) if node.members else _pick(node.elements, part)
            if child is None:
                return offset
            node, offset = child, child.key_start if at_key and node.members else child.start
        return offset


def read_document(text: str) -> Document:
    """Read one JSON value strictly. Raises ReadError; duplicate keys are kept for the caller to report."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise ReadError("The text holds half of a surrogate pair, which is no character.", error.start) from None
    if size > MAX_BYTES:
        raise ReadError(f"The document is {size:,} bytes long; at most {MAX_BYTES:,} are allowed.", 0)
    if text.startswith("\ufeff"):
        raise ReadError("The document starts with a byte order mark; save it without one.", 0)
    reader = _Reader(text)
    root = reader.read_value(())
    reader.skip_space()
    if reader.at < len(text):
        raise ReadError("There is text after the end of the document.", reader.at)
    return Document(text, root, reader.duplicates)


def join_pointer(pointer: str, part: str | int) -> str:
    """Append one key or index to a JSON pointer (RFC 6901)."""
    return f"{pointer}/{str(part).replace('~', '~0').replace('/', '~1')}"


def split_pointer(pointer: str) -> Iterator[str]:
    """The unescaped parts of a JSON pointer."""
    return (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def count_place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _pick(elements: list[Node], part: str) -> Node | None:
    index = int(part) if part.isdecimal() and len(part) <= 6 else len(elements)
    return elements[index] if index < len(elements) else None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.duplicates: list[tuple[str, int]] = []

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def read_value(self, path: tuple[str | int, ...]) -> Node:
        self.skip_space()
        if len(path) > MAX_DEPTH:
            raise ReadError(f"The document nests deeper than {MAX_DEPTH} levels.", self.at)
        start = self.at
        match self.text[start : start + 1]:
            case "{":
                return self._read_object(path, start)
            case "[":
                return self._read_list(path, start)
            case '"':
                return Node(self._read_string(), start)
            case "":
                raise ReadError("The document ends where a value is expected.", start)
            case _:
                return self._read_scalar(start)

    def _read_object(self, path: tuple[str | int, ...], start: int) -> Node:
        members: dict[str, Node] = {}
        self.at += 1
        if not self._take("}"):
            self._read_member(path, members)
            while not self._take("}"):
                self._expect(",", "A comma or } is expected here.")
                self._read_member(path, members)
        return Node({key: node.value for key, node in members.items()}, start, members=members)

    def _read_member(self, path: tuple[str | int, ...], members: dict[str, Node]) -> None:
        self.skip_space()
        key_start = self.at
        if self.text[key_start : key_start + 1] != '"':
            raise ReadError("A key in double quotes is expected here.", key_start)
        key = self._read_string()
        if len(key) > MAX_KEY:
            raise ReadError(f"A key has at most {MAX_KEY} characters.", key_start)
        self._expect(":", "A colon is expected after a key.")
        node = self.read_value((*path, key))
        node.key_start = key_start
        if key in members:
            pointer = ""
            for part in (*path, key):
                pointer = join_pointer(pointer, part)
            self.duplicates.append((pointer, key_start))
        members[key] = node

    def _read_list(self, path: tuple[str | int, ...], start: int) -> Node:
        elements: list[Node] = []
        self.at += 1
        if not self._take("]"):
            elements.append(self.read_value((*path, 0)))
            while not self._take("]"):
                self._expect(",", "A comma or ] is expected here.")
                elements.append(self.read_value((*path, len(elements))))
        return Node([node.value for node in elements], start, elements=elements)

    def _read_string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise ReadError("This text does not end, or holds a control character or an unknown escape.", self.at)
        value = str(json.loads(match.group()))
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ReadError("NUL and halves of surrogate pairs are not allowed in a text.", self.at)
        self.at = match.end()
        return value

    def _read_scalar(self, start: int) -> Node:
        for word, value in _WORDS.items():
            if self.text.startswith(word, start):
                self.at = start + len(word)
                return Node(value, start)
        match = _NUMBER.match(self.text, start)
        if match is None:
            raise ReadError(
                "A value is expected here: an object, a list, a text, a number, true, false or null.", start
            )
        fraction, exponent, digits = match.groups()
        if match.end() - start > _MAX_NUMBER or len(digits or "") > _MAX_EXPONENT_DIGITS:
            raise ReadError("This number is too long, or its exponent has more than three digits.", start)
        self.at = match.end()
        is_whole = fraction is None and exponent is None
        return Node(int(match.group()) if is_whole else Decimal(match.group()), start)

    def _take(self, character: str) -> bool:
        self.skip_space()
        is_there = self.text.startswith(character, self.at)
        self.at += is_there
        return is_there

    def _expect(self, character: str, message: str) -> None:
        if not self._take(character):
            raise ReadError(message, self.at)
