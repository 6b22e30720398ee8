"""The targets of the fuzzer, with fewer inputs, and every input that once broke one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ParseError
from gateway.jsonrpc import read_message
from servers.upstream.sse import EventOddError, read_event, replace_data
from tests.fuzz.__main__ import NAMES
from tests.fuzz.reference import read_stream, read_stream_loosely
from tests.fuzz.targets import TARGETS, read_policy
from tests.policies.engine.strategies import repeat

# Each broke what it names before it was mended.
FOUND = [
    ("parser", b"88888888888888888888E88888888888888888882"),
    ("parser", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e-99999999999999999999}}'),
    ("parser", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":0e99999999999999999999}}'),
    ("events", b"\x03data: {}\n\ndata: {\ndata: }\r\n\r\nid: 1\ndata:\n\n: ping\n\n"),
    ("events", b"\x03data: {}\n\nd: {\ndata\ndata: }\rping\n\n"),
    ("events", b"\xc3}\n\r\n\xef\xbb\xbfdata: [1]\r\rdata\n\n\r\nid: i\ndata: {}\n\n& \x11\n"),
    ("events", b'\x01data: {"a":"\xe2\x80\xa8\xe2\x80\xa8data: {}\xe2\x80\xa8\xe2\x80\xa8"}\n\n'),
]
WORDS = {
    "parser": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{ 1e400 "a": [ ]}} \\ud800" }}'.split(b" "),
    "paths": b'args .a [*] [0] ["a.b"] item \n {"a":[{"b":1}]} call.time'.split(b" "),
    "conditions": b'{"path":"args.a","op": "lt" ,"value": 5} "a+"} \n {"a": "1e9"} null'.split(b" "),
    "events": b'data: data \n \r\n \r {"a":1} \xe2\x80\xa8 \xc2\x85 id: \xef\xbb\xbf'.split(b" "),
    "addresses": b"https:// 127.1 0x7f .example [::1] :8443 @ / \\ \xe3\x80\x82 8.8.8.8".split(b" "),
    "tokens": [b"plg_", b"pla_", b"0" * 33, b"\n", b"\xff"],
}


@pytest.fixture(autouse=True)
def only_the_internet(settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS, settings.SIMULATOR_URL = False, ""


def test_the_command_knows_every_target() -> None:
    assert tuple(TARGETS) == NAMES == tuple(WORDS)


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_for_its_seeds(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].check(seed)


def test_every_seed_of_conditions_is_a_policy_that_decides() -> None:
    for seed in TARGETS["conditions"].seeds:
        assert read_policy(seed.partition(b"\n")[0]) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_for_any_bytes(name: str) -> None:
    seeds, words = TARGETS[name].seeds, WORDS[name]
    soup = st.lists(st.one_of(st.sampled_from(words), st.binary(max_size=4)), max_size=12).map(b"".join)

    @st.composite
    def spliced(draw: Any) -> bytes:
        seed = draw(st.sampled_from(seeds))
        start, end = sorted(draw(st.tuples(st.integers(0, len(seed)), st.integers(0, len(seed)))))
        return bytes(seed[:start] + draw(soup) + seed[end:])

    @repeat(300)
    @given(st.one_of(spliced(), soup, st.binary(max_size=40)))
    def holds(data: bytes) -> None:
        TARGETS[name].check(data)

    holds()


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_once_broke_a_target_does_so_no_more(name: str, data: bytes) -> None:
    TARGETS[name].check(data)


@pytest.mark.parametrize("number", ["1E88888888888888888882", "1e-99999999999999999999", "0e99999999999999999999"])
def test_an_exponent_that_no_decimal_holds_is_refused_in_words(number: str) -> None:
    with pytest.raises(ParseError, match="changes when it is read as a double"):
        read_message(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":%s}}' % number.encode())


LOOSE = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("letter", LOOSE)
@pytest.mark.parametrize("line", [": x%sdata: 1", "id: 1%sdata: 1", "event: a%sdata: 1", "retry: 1%sdata: 1"])
def test_a_line_that_some_clients_read_as_two_is_refused(letter: str, line: str) -> None:
    event = (line % letter + "\n\n").encode()
    assert read_stream(event) == [] and len(read_stream_loosely(event)) == 1
    with pytest.raises(EventOddError):
        read_event(event)


@pytest.mark.parametrize("letter", LOOSE[5:])
def test_text_in_a_message_begins_no_event_for_any_client(letter: str) -> None:
    data = f'{{"a":"{letter}{letter}data: {{}}{letter}{letter}"}}'.encode()
    event = b"id: 7\nevent: message\ndata: " + data + b"\n\n"
    assert len(read_stream_loosely(event)) > 1
    safe = replace_data(event, data)
    assert read_stream(safe) == read_stream_loosely(safe)
    escape = b"\\u%04x" % ord(letter)
    assert safe == b'id: 7\nevent: message\ndata: {"a":"%sdata: {}%s"}\n\n' % (escape * 2, escape * 2)
