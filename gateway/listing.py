"""Filters tools/list answers: drops what a grant may not see, leaves the rest as the upstream wrote it."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from servers.fingerprint import JsonRefusedError, fingerprint_of, parse_json

# How long a modern client may keep a list: a published policy is in force within 2 s.
MAX_TTL_MS: Final = 2000
MAX_CACHED_BYTES: Final = 4 * 1024 * 1024
MAX_KNOWN_TOOLS: Final = 20_000

_SENTINEL: Final = b'"policylayer:id"'


class ListUnreadableError(Exception):
    """A tools/list answer that cannot be read is not passed on."""


class _Cached(NamedTuple):
    """An answer and its filtered form, each cut open where the request's id stands."""

    head: bytes
    tail: bytes
    out_head: bytes
    out_tail: bytes


class ListFilter:
    """The filter of one snapshot; remembers what it filtered, so that the same answer again costs a comparison."""

    def __init__(self, visible: frozenset[str], fingerprints: Mapping[str, str]) -> None:
        self._visible = visible
        self._fingerprints = fingerprints
        self._cached: dict[bool, list[_Cached]] = {False: [], True: []}

    def filter_answer(self, body: bytes, request_id: bytes, *, is_modern: bool) -> bytes:
        """The JSON-RPC answer to a tools/list with this id (as JSON), filtered; other messages and errors pass.

        Raises ListUnreadableError.
        """
        for cached in self._cached[is_modern]:
            if _fits(cached, body, request_id):
                return cached.out_head + request_id + cached.out_tail
        members = _read_members(body)
        if "result" not in members:
            return body
        members["result"] = msgspec.Raw(self._filter_result(bytes(members["result"]), is_modern=is_modern))
        self._remember(body, request_id, members, is_modern=is_modern)
        return _encoder.encode(members)

    def filter_unasked(self, data: bytes) -> bytes:
        """A message of a stream of which nobody knows what it answers: filtered when its result lists tools.

        Raises ListUnreadableError for what is no JSON object.
        """
        members = _read_members(data)
        if "result" not in members:
            return data
        try:
            result = _members.decode(members["result"])
        except msgspec.MsgspecError:
            return data
        if "tools" not in result or not bytes(result["tools"]).lstrip().startswith(b"["):
            return data
        members["result"] = msgspec.Raw(self._filter_result(bytes(members["result"]), is_modern=False))
        return _encoder.encode(members)

    def _filter_result(self, result: bytes, *, is_modern: bool) -> bytes:
        try:
            members: dict[str, Any] = dict(_members.decode(result))
            tools = _list.decode(members["tools"])
        except (msgspec.MsgspecError, KeyError):
            raise ListUnreadableError from None
        members["tools"] = [tool for tool in tools if self._is_shown(bytes(tool))]
        if is_modern:
            members["cacheScope"] = "private"
            members["ttlMs"] = _cap_ttl(members.get("ttlMs"))
        return _encoder.encode(members)

    def _is_shown(self, tool: bytes) -> bool:
        name, fingerprint = _identify(tool)
        return name in self._visible and self._fingerprints.get(name) == fingerprint

    def _remember(self, body: bytes, request_id: bytes, members: dict[str, Any], *, is_modern: bool) -> None:
        """Keep the answer with a hole for the id, after making sure that the hole is where the id really stands."""
        match = re.search(rb'"id"\s*:\s*(' + re.escape(request_id) + rb")", body)
        if match is None or len(body) * 2 > MAX_CACHED_BYTES:
            return
        head, tail = body[: match.start(1)], body[match.end(1) :]
        try:
            holed = _members.decode(head + _SENTINEL + tail)
        except msgspec.MsgspecError:
            return
        if bytes(holed.get("id", b"")) != _SENTINEL:
            return
        out = _encoder.encode({**members, "id": msgspec.Raw(_SENTINEL)}).split(_SENTINEL)
        if len(out) != 2:
            return
        kept = self._cached[is_modern]
        kept.insert(0, _Cached(head, tail, out[0], out[1]))
        while sum(len(entry.tail) + len(entry.out_tail) for entry in kept) > MAX_CACHED_BYTES:
            kept.pop()


_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_encoder: Final = msgspec.json.Encoder()
# What a definition's bytes are: their name and fingerprint, the same for every organisation.
_known: Final[OrderedDict[bytes, tuple[str, str]]] = OrderedDict()


def _fits(cached: _Cached, body: bytes, request_id: bytes) -> bool:
    return (
        len(body) == len(cached.head) + len(request_id) + len(cached.tail)
        and body.startswith(cached.head)
        and body.startswith(request_id, len(cached.head))
        and body.endswith(cached.tail)
    )


def _read_members(body: bytes) -> dict[str, Any]:
    try:
        return dict(_members.decode(body))
    except msgspec.MsgspecError:
        raise ListUnreadableError from None


def _cap_ttl(raw: msgspec.Raw | None) -> int:
    if raw is None:
        return 0
    try:
        return max(0, min(MAX_TTL_MS, msgspec.json.decode(raw, type=int)))
    except msgspec.MsgspecError:
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
        if isinstance(definition, dict) and isinstance(name := definition.get("name"), str):
            found = (name, fingerprint_of(definition))
    except JsonRefusedError:
        pass
    _known[digest] = found
    if len(_known) > MAX_KNOWN_TOOLS:
        _known.popitem(last=False)
    return found
