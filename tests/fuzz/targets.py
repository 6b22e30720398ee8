"""What must hold for any bytes at each place that reads foreign input; an AssertionError or any other error is a find.

Used by Atheris (python -m tests.fuzz) and, with fewer inputs, by the tests beside it. Imports no model and no database.
"""

import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

import msgspec
import orjson
from yarl import URL

from accounts.tokens import Prefix, hash_token, is_well_formed, mint_token
from gateway.errors import MessageError
from gateway.jsonrpc import MAX_DEPTH, read_message, write_tree
from policies.engine.budget import Budget
from policies.engine.compile import compile_policy
from policies.engine.evaluate import Call, decide
from policies.engine.explain import explain_decision
from policies.engine.parse import parse_policy
from policies.engine.paths import Path, PathError, parse_path
from policies.engine.policy import Policy
from policies.engine.resolve import compile_all, compile_one, trace_values
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Level, Missing, Outcome
from servers.fingerprint import JsonRefusedError, parse_json
from servers.upstream.addresses import describe_refusal, read_address
from servers.upstream.guard import AddressRefusedError, check_url
from servers.upstream.sse import Event, EventFramer, EventOddError, read_event, replace_data
from tests.fuzz.reference import Read, read_stream, read_stream_loosely

AT: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
PROPERTIES: Final[dict[str, JSON]] = {"a": {}, "b": {"default": 5}, "list": {"type": "array"}}
TOOLS: Final = {
    "tool": ToolFacts("tool", Level.LOW, {"type": "object", "properties": PROPERTIES}),
    "costly": ToolFacts("costly", Level.CRITICAL, {"type": "object"}),
}


@dataclass(frozen=True)
class Target:
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def check_parser(data: bytes) -> None:
    """What is accepted, every other parser reads alike, and what is written from it is read alike again."""
    try:
        message = read_message(data)
    except MessageError:
        return
    written = write_tree(message.tree)
    assert read_message(written).tree == message.tree
    readers: tuple[Callable[[bytes], Any], ...] = (json.loads, orjson.loads, msgspec.json.decode)
    for read in readers:
        assert read(data) == read(written)
    assert json.loads(data, parse_float=Decimal) == json.loads(written, parse_float=Decimal) == message.tree
    assert type(message.id) in (str, int, type(None))
    assert depth_of(message.tree) <= MAX_DEPTH


def depth_of(tree: Any) -> int:
    depth, level = 0, [tree]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def check_paths(data: bytes) -> None:
    """A path reads back as it is written, and looks up the same value whichever way it is asked."""
    head, _, tail = data.partition(b"\n")
    try:
        path = parse_path(head.decode("utf-8", "replace"))
    except PathError:
        return
    assert parse_path(path.text) == path
    arguments = read_arguments(tail)
    if path.is_time or arguments is None:
        return
    label, start = path.root.value, arguments
    traced = [value for _, value in trace_values(path, (), (label, start), Budget(), is_require=False)]
    if path.has_wildcard:
        assert compile_all(path)(arguments, start, Budget()) == traced
    elif path.steps:
        one, expected = compile_one(path)(arguments, start), walk_plainly(arguments, path)
        assert traced == [one]
        assert one == expected if expected is not None else one is None or isinstance(one, Missing)


def walk_plainly(value: Any, path: Path) -> Any:
    try:
        for step in path.steps:
            if not isinstance(value, dict if isinstance(step, str) else list):
                return None
            inner: Any = value
            value = inner[step]
    except (KeyError, IndexError):
        return None
    return value


def read_arguments(data: bytes) -> dict[str, JSON] | None:
    try:
        tree = parse_json(data)
    except JsonRefusedError:
        return None
    return tree if isinstance(tree, dict) and depth_of(tree) <= MAX_DEPTH else None


def check_conditions(data: bytes) -> None:
    """Any text is a policy or has errors; any call gets one decision; what reaches no rule is denied."""
    head, _, tail = data.partition(b"\n")
    found = read_policy(head)
    if found is None:
        return
    policy = compile_policy(found, TOOLS)
    arguments = read_arguments(tail) or {}
    for name in (*TOOLS, "absent"):
        call = Call(name, arguments, AT)
        decision = decide(policy, call)
        assert decision == decide(policy, call)
        assert explain_decision(decision)
        assert name in TOOLS or decision.outcome is Outcome.HIDE
    assert decide(None, Call("tool", arguments, AT)).outcome is Outcome.DENY


def read_policy(text: bytes) -> Policy | None:
    """The policy that a text is, or one with the condition that it is."""
    parsed = parse_policy(text.decode("utf-8", "replace"), TOOLS)
    assert (parsed.policy is None) == bool(parsed.errors)
    condition = read_arguments(text)
    if parsed.policy is not None or condition is None:
        return parsed.policy
    rules: JSON = {"require": [{"conditions": [condition]}]}
    document = write_tree({"version": "1", "default": "deny", "tools": {"tool": rules}})
    return parse_policy(document.decode(), TOOLS).policy


def check_events(data: bytes) -> None:
    """However bytes arrive they are the same events, and every client reads in them what the gateway read."""
    size, stream = (data[0] % 13 + 1, data[1:]) if data else (1, b"")
    whole, pieces = frame(stream, len(stream) or 1), frame(stream, size)
    # A line feed that came after its carriage return may begin the next event, which it does not change.
    assert [read_stream(event) for event in whole if event.strip()] == [
        read_stream(event) for event in pieces if event.strip()
    ]
    for event in [*whole, *pieces]:
        try:
            read = read_event(event)
        except EventOddError:
            continue
        check_event(event, read)


def check_event(event: bytes, read: Event) -> None:
    dispatched = read_stream(event)
    assert len(dispatched) <= 1
    told = dispatched[0] if dispatched else Read(b"message", b"")
    if not read.data:
        assert not told.data.strip()
        return
    assert (told.data, told.kind or b"message") == (read.data, read.kind)
    if read.kind == b"message" and is_json(read.data):
        # What goes on to the client, which may cut lines where this standard does not.
        safe = replace_data(event, read.data)
        for client in (read_stream, read_stream_loosely):
            messages = [one.data for one in client(safe)]
            assert [json.loads(one) for one in messages] == [json.loads(read.data)]


def is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
        return True
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def frame(stream: bytes, size: int) -> list[bytes]:
    framer, events = EventFramer(), []
    for at in range(0, len(stream), size):
        framer.feed(stream[at : at + size])
        while (event := framer.pop()) is not None:
            events.append(event)
    return events


def check_addresses(data: bytes) -> None:
    """An accepted address is a public https one for every reader of addresses, and is accepted as it is written."""
    try:
        parts = check_url(data.decode("utf-8", "surrogateescape"))
    except AddressRefusedError:
        return
    url, host = parts.geturl(), parts.hostname or ""
    assert check_url(url).geturl() == url
    assert parts.scheme == "https" and parts.port in (None, 443, 8443)
    # The client of the hot path reads it letter for letter, and connects there.
    assert URL(url, encoded=True).raw_host == host
    assert "@" not in parts.netloc and url.isascii() and not re.search(r"[\s\\#]", url)
    address = read_address(host)
    if address is None:
        assert not is_spelled_address(host), "an address in an unusual spelling"
    else:
        assert address.is_global and not describe_refusal(address)
        assert not isinstance(address, IPv6Address) or (address.ipv4_mapped is None and address.sixtofour is None)
    assert host != "localhost"


def is_spelled_address(host: str) -> bool:
    # The C library's own reader, which takes hexadecimal, octal and missing parts.
    try:
        socket.inet_aton(host)
        return True
    except OSError:
        return False


def check_sockets(data: bytes) -> None:
    """An address that a socket may be opened to is a public one for Python too."""
    if len(data) not in (4, 16):
        return
    address = ip_address(data)
    if not describe_refusal(address):
        assert address.is_global and not address.is_multicast and not address.is_reserved


def check_place(data: bytes) -> None:
    check_addresses(data)
    check_sockets(data[:4] if len(data) < 16 else data[:16])


VALID: Final = mint_token(Prefix.GRANT).text
_SHAPE: Final = re.compile(r"pl[ga]_[0-9A-Za-z]{33}")


def check_tokens(data: bytes) -> None:
    """Only the one shape passes, and no change of one character of a token is a token."""
    text = data.decode("utf-8", "surrogateescape")
    for prefix in (Prefix.GRANT, Prefix.API_KEY):
        if is_well_formed(text, prefix):
            assert _SHAPE.fullmatch(text) and text.startswith(prefix)
    assert len(hash_token(text)) == 32
    if len(data) > 1:
        at, letter = data[0] % len(VALID), chr(data[1])
        changed = VALID[:at] + letter + VALID[at + 1 :]
        assert is_well_formed(changed, Prefix.GRANT) == (changed == VALID)
        assert not is_well_formed(VALID + letter, Prefix.GRANT)


CALL: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":[1.5,"\\u00e9",null]}}}'
)
POLICY: Final = (
    b'{"version":"1","default":"allow","tools":{"tool":{"deny_if":['
    b'{"conditions":[{"path":"args.a","op":"lt","value":5}]}]}}}'
)
TARGETS: Final = {
    "parser": Target(check_parser, (CALL, b'{"jsonrpc":"2.0","id":"","result":{}}', b'{"jsonrpc":"2.0","id":1e2}')),
    "paths": Target(
        check_paths, (b'args.a["b"][0]\n{"a":{"b":[1]}}', b'args.list[*].x\n{"list":[{"x":1},{}]}', b"call.time\n{}")
    ),
    "conditions": Target(
        check_conditions,
        (
            POLICY + b'\n{"a":3}',
            b'{"path":"args.list[*]","op":"in","value":["a","b"]}\n{"list":["a"]}',
            b'{"amount":{"product":["args.a","args.b"]},"op":"lte","value":"1e3"}\n{"a":"2"}',
            b'{"path":"args.a","op":"matches","value":"[a-z]+"}\n{"a":"abc"}',
            b'{"path":"call.time","op":"within","value":{"days":["mon"],"from":"09:00","to":"17:00","tz":"UTC"}}\n{}',
        ),
    ),
    "events": Target(
        check_events,
        (
            b"\x03data: {}\n\ndata: {\ndata: }\r\n\r\nid: 1\ndata:\n\n: ping\n\n",
            b'\x01event: message\nretry: 5\ndata: {"a":"\xe2\x80\xa8\xc2\x85data: []"}\n\n',
            b"\x02\xef\xbb\xbfdata: [1]\r\rdata\n\n",
        ),
    ),
    "addresses": Target(
        check_place,
        (
            b"https://mcp.example.com/mcp?a=b",
            b"https://[2606:4700::1111]:8443/",
            b"https://0x7f.1/",
            b"https://b\xc3\xbccher.example/",
            bytes([8, 8, 8, 8]),
            bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]),
        ),
    ),
    "tokens": Target(check_tokens, (VALID.encode(), mint_token(Prefix.API_KEY).text.encode(), b"plg_")),
}
