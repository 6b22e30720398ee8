"""Filters tools/list answers: drops what a grant may not see, leaves the rest as the upstream wrote it."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from gateway.replies import ReplyUnreadableError, read_json
from servers.fingerprint import JsonRefusedError, fingerprint_of, parse_json

# How long a modern client may keep a list: a published policy is in force within 2 s.
MAX_TTL_MS: Final = 2000
MAX_CACHED_BYTES: Final = 4 * 1024 * 1024
MAX_CACHED_ANSWERS: Final = 8
# Of all filters of this process together.
MAX_MEMORY_BYTES: Final = 64 * 1024 * 1024
# What an entry costs beside its bytes, so that many small ones are bounded too.
ENTRY_BYTES: Final = 512
MAX_KNOWN_TOOLS: Final = 20_000
# No tool with a longer name is ever pinned.
MAX_NAME: Final = 200

_SENTINEL: Final = b'"policylayer:id"'


class Filtered(NamedTuple):
    """An answer without what may not be seen. `is_odd`: it lists what discovery does not know, and had better see."""

    body: bytes
    is_odd: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CachedAnswer:
    """An answer and its filtered form, each cut open where the request's id stands; `shelf` is its filter's."""

    head: bytes
    tail: bytes
    out_head: bytes
    out_tail: bytes
    is_modern: bool
    is_odd: bool
    shelf: "list[CachedAnswer]"

    @property
    def size(self) -> int:
        """All its bytes."""
        return ENTRY_BYTES + len(self.head) + len(self.tail) + len(self.out_head) + len(self.out_tail)

    def fits(self, body: bytes, request_id: bytes) -> bool:
        """Whether `body` is this answer, given to a request with this id."""
        return (
            len(body) == len(self.head) + len(request_id) + len(self.tail)
            and body.startswith(self.head)
            and body.startswith(request_id, len(self.head))
            and body.endswith(self.tail)
        )


class AnswerMemory:
    """What all filters remember, within one budget of bytes: the least recently used answer goes first."""

    def __init__(self, max_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[CachedAnswer, None] = OrderedDict()
        self.held = 0

    def add(self, entry: CachedAnswer) -> None:
        """Remember one more, and forget what has to make room for it."""
        entry.shelf.append(entry)
        self._entries[entry] = None
        self.held += entry.size
        if len(entry.shelf) > MAX_CACHED_ANSWERS:
            self._drop(entry.shelf[0])
        while self.held > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def touch(self, entry: CachedAnswer) -> None:
        """It was of use just now."""
        self._entries.move_to_end(entry)

    def _drop(self, entry: CachedAnswer) -> None:
        del self._entries[entry]
        entry.shelf.remove(entry)
        self.held -= entry.size


class ListFilter:
    """The filter of one snapshot; remembers what it filtered, so that the same answer again costs a comparison.

    `fingerprints` are those of the tools in use, `known` all names that discovery has found, in use or not.
    """

    def __init__(
        self,
        visible: frozenset[str],
        fingerprints: Mapping[str, str],
        known: Container[str] = (),
        *,
        memory: AnswerMemory | None = None,
    ) -> None:
        self._visible = visible
        self._fingerprints = fingerprints
        self._known = known
        self._memory = memory if memory is not None else _memory
        self._shelf: list[CachedAnswer] = []
        self._changed: frozenset[str] = frozenset()

    def is_changed(self, name: str) -> bool:
        """Whether the upstream's last list with this tool showed another definition than the pinned one."""
        return name in self._changed

    def filter_answer(self, body: bytes, request_id: bytes, *, is_modern: bool) -> Filtered:
        """The JSON-RPC answer to a tools/list with this id (as JSON), filtered; other messages and errors pass.

        Raises ReplyUnreadableError.
        """
        if not self._changed:
            # While something is changed every list is read, to see it mended.
            for cached in self._shelf:
                if cached.is_modern is is_modern and cached.fits(body, request_id):
                    self._memory.touch(cached)
                    return Filtered(cached.out_head + request_id + cached.out_tail, cached.is_odd)
        members = _read_members(body)
        if "result" not in members:
            if "tools" in members:
                # A list without its envelope is none, and shows what it should not all the same.
                raise ReplyUnreadableError
            return Filtered(body)
        result, is_odd = self._filter_result(bytes(members["result"]), is_modern=is_modern)
        members["result"] = msgspec.Raw(result)
        if not self._changed:
            self._remember(body, request_id, members, is_modern=is_modern, is_odd=is_odd)
        return Filtered(_encoder.encode(members), is_odd)

    def filter_unasked(self, data: bytes) -> Filtered:
        """A message of which nobody knows what it answers: filtered when its result lists tools.

        Raises ReplyUnreadableError for what is no JSON object.
        """
        members = _read_members(data)
        if "result" not in members:
            return Filtered(data)
        try:
            result = read_json(_members, members["result"])
        except ReplyUnreadableError:
            return Filtered(data)
        if "tools" not in result or not bytes(result["tools"]).lstrip().startswith(b"["):
            return Filtered(data)
        filtered, is_odd = self._filter_result(bytes(members["result"]), is_modern=False)
        members["result"] = msgspec.Raw(filtered)
        return Filtered(_encoder.encode(members), is_odd)

    def _filter_result(self, result: bytes, *, is_modern: bool) -> tuple[bytes, bool]:
        members = _read_members(result)
        if "tools" not in members:
            raise ReplyUnreadableError
        tools = read_json(_list, members["tools"])
        shown: list[msgspec.Raw] = []
        intact: set[str] = set()
        changed: set[str] = set()
        is_odd = False
        for tool in tools:
            name, fingerprint = _identify(bytes(tool))
            pinned = self._fingerprints.get(name)
            if pinned is None:
                is_odd = is_odd or name not in self._known
            elif pinned != fingerprint:
                changed.add(name)
            else:
                intact.add(name)
                if name in self._visible:
                    shown.append(tool)
        if changed or self._changed:
            self._changed = (self._changed - intact) | changed
        members["tools"] = shown
        if is_modern:
            members["cacheScope"] = "private"
            members["ttlMs"] = _cap_ttl(members.get("ttlMs"))
        return _encoder.encode(members), is_odd or bool(changed)

    def _remember(
        self, body: bytes, request_id: bytes, members: dict[str, Any], *, is_modern: bool, is_odd: bool
    ) -> None:
        """Keep the answer with a hole for the id, after making sure that the hole is where the id really stands."""
        match = re.search(rb'"id"\s*:\s*(' + re.escape(request_id) + rb")", body)
        if match is None or len(body) * 2 > MAX_CACHED_BYTES:
            return
        head, tail = body[: match.start(1)], body[match.end(1) :]
        try:
            holed = read_json(_members, head + _SENTINEL + tail)
        except ReplyUnreadableError:
            return
        if bytes(holed.get("id", b"")) != _SENTINEL:
            return
        out = _encoder.encode({**members, "id": msgspec.Raw(_SENTINEL)}).split(_SENTINEL)
        if len(out) == 2:
            self._memory.add(CachedAnswer(head, tail, out[0], out[1], is_modern, is_odd, self._shelf))


_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_integer: Final = msgspec.json.Decoder(int)
_encoder: Final = msgspec.json.Encoder()
# What a definition's bytes are: their name and fingerprint, the same for every organisation.
_known: Final[OrderedDict[bytes, tuple[str, str]]] = OrderedDict()
_memory: Final = AnswerMemory()


def _read_members(body: bytes) -> dict[str, Any]:
    members = read_json(_members, body)
    return dict(members)


def _cap_ttl(raw: msgspec.Raw | None) -> int:
    if raw is None:
        return 0
    try:
        return max(0, min(MAX_TTL_MS, read_json(_integer, raw)))
    except ReplyUnreadableError:
        return 0


def _identify(tool: bytes) -> tuple[str, str]:
    """A definition's name and fingerprint; two empty texts, which match nothing, when it cannot be read exactly."""
    digest = hashlib.sha256(tool).digest()
    known = _known.get(digest)
    if known is not None:
        return known
    found = ("", "")
    try:
        definition = parse_json(tool)
        name = definition.get("name") if isinstance(definition, dict) else None
        if isinstance(definition, dict) and isinstance(name, str) and len(name) <= MAX_NAME:
            found = (name, fingerprint_of(definition))
    except JsonRefusedError:
        pass
    _known[digest] = found
    if len(_known) > MAX_KNOWN_TOOLS:
        _known.popitem(last=False)
    return found
