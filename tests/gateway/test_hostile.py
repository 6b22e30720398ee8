"""Bodies that two parsers could read differently: each is refused with its code, and the upstream is not touched."""

import gzip
import json
from collections.abc import Callable

import pytest

from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, VERSION_META, World, agent_of, make_world, records_of, wait_until

Build = Callable[..., World]


def call(arguments: str = "{}", *, envelope: str = "", params: str = "", id: str = "1") -> bytes:
    return (
        f'{{"jsonrpc":"2.0","id":{id},"method":"tools/call"{envelope},'
        f'"params":{{"name":"placeOrder","arguments":{arguments}{params}}}}}'
    ).encode()


FINE = call('{"symbol":"BTCUSDT","qty":"1"}')
DEEP = "[" * 40 + "]" * 40

PARSE_ERRORS = {
    "duplicate key": call('{"a":1,"a":2}'),
    "duplicate key, escaped": call('{"a":1,"\\u0061":2}'),
    "duplicate method": call(envelope=',"method":"ping"'),
    "duplicate method, escaped": call(envelope=',"\\u006dethod":"ping"'),
    "duplicate name": call(params=',"name":"getTickers"'),
    "byte order mark": b"\xef\xbb\xbf" + FINE,
    "UTF-16": FINE.decode().encode("utf-16"),
    "UTF-16 without mark": FINE.decode().encode("utf-16-le"),
    "UTF-32": FINE.decode().encode("utf-32-be"),
    "Latin-1": call('{"a":"é"}').decode().encode("latin-1"),
    "overlong UTF-8": call('{"a":"X"}').replace(b"X", b"\xc0\xaf"),
    "encoded surrogate": call('{"a":"X"}').replace(b"X", b"\xed\xa0\x80"),
    "NaN": call('{"a":NaN}'),
    "Infinity": call('{"a":Infinity}'),
    "minus Infinity": call('{"a":-Infinity}'),
    "1e400": call('{"a":1e400}'),
    "-1e400": call('{"a":-1e400}'),
    "1e-400": call('{"a":1e-400}'),
    "2^53+1": call('{"a":9007199254740993}'),
    "10^30+1": call('{"a":1000000000000000000000000000001}'),
    "more digits than a double": call('{"a":0.10000000000000000555}'),
    "a very long number": call('{"a":' + "1" * 5000 + "}"),
    "a very long fraction": call('{"a":1.' + "0" * 5000 + "}"),
    "leading zero": call('{"a":01}'),
    "plus sign": call('{"a":+1}'),
    "fullwidth digits": call('{"a":\uff11}'),
    "underscore digits": call('{"a":1_000}'),
    "hexadecimal": call('{"a":0x10}'),
    "single quotes": FINE.replace(b'"', b"'"),
    "trailing comma": call('{"a":1,}'),
    "comment": call("{/* no */}"),
    "bare control character": call('{"a":"\x01"}'),
    "bare line feed in a string": call('{"a":"\n"}'),
    "lone surrogate": call('{"a":"\\ud800"}'),
    "lone low surrogate": call('{"a":"\\udc00"}'),
    "reversed surrogates": call('{"a":"\\udc00\\ud800"}'),
    "lone surrogate in a key": call('{"\\ud800":1}'),
    "bad escape": call('{"a":"\\x41"}'),
    "too deep": call('{"a":' + DEEP + "}"),
    "thousands deep": b"[" * 100_000,
    "objects too deep": call('{"a":' * 40 + "1" + "}" * 40),
    "too many values": call('{"a":[' + "1," * 60_000 + "1]}"),
    "two documents": FINE + FINE,
    "trailing bytes": FINE + b" x",
    "trailing NUL": FINE + b"\x00",
    "nothing": b"",
    "white space only": b"  \n",
    "half a document": FINE[:-2],
    "form feed as white space": b"\x0c" + FINE,
    "no-break space": "\u00a0".encode() + FINE,
}
INVALID_REQUESTS = {
    "batch of one": b"[" + FINE + b"]",
    "batch": b"[" + FINE + b"," + FINE + b"]",
    "empty batch": b"[]",
    "string": b'"tools/call"',
    "number": b"1",
    "null": b"null",
    "empty object": b"{}",
    "id null": call(id="null"),
    "id true": call(id="true"),
    "id fraction": call(id="1.5"),
    "id 1.0": call(id="1.0"),
    "id object": call(id="{}"),
    "id list": call(id="[1]"),
    "no id": FINE.replace(b'"id":1,', b""),
    "jsonrpc 1.0": FINE.replace(b'"2.0"', b'"1.0"'),
    "jsonrpc number": FINE.replace(b'"2.0"', b"2.0"),
    "no jsonrpc": FINE.replace(b'"jsonrpc":"2.0",', b""),
    "method number": FINE.replace(b'"tools/call"', b"5"),
    "method null": FINE.replace(b'"tools/call"', b"null"),
    "params list": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
    "params null": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}',
    "request and result": call(envelope=',"result":{}'),
    "request and error": call(envelope=',"error":{"code":1,"message":"x"}'),
    "Method beside method": call(envelope=',"Method":"ping"'),
    "METHOD beside method": call(envelope=',"METHOD":"ping"'),
    "ID beside id": call(envelope=',"ID":2'),
    "Params beside params": call(envelope=',"Params":{}'),
    "params with a long s": call(envelope=',"param\u017f":{}'),
    "fullwidth method": call(envelope=',"\uff4dethod":"ping"'),
    "method with a zero width space": call(envelope=',"meth\u200bod":"ping"'),
    "method escaped with other case": call(envelope=',"\\u004dethod":"ping"'),
    "Name beside name": call(params=',"Name":"getTickers"'),
    "Arguments beside arguments": call(params=',"Arguments":{}'),
    "arguments with a long s": call(params=',"argument\u017f":{}'),
    "_Meta beside _meta": call(params=',"_Meta":{}'),
    "tasK with a Kelvin sign": call(params=',"tas\u212a":{}'),
    "_meta list": call(params=',"_meta":[]'),
    "version in other case": call(params=f',"_meta":{{"{VERSION_META.upper()}":"x"}}'),
    "ProgressToken": call(params=',"_meta":{"ProgressToken":1}'),
    "name number": call().replace(b'"placeOrder"', b"5"),
    "no name": call().replace(b'"name":"placeOrder",', b""),
    "arguments list": call("[]"),
    "arguments string": call('"{}"'),
}
FINE_BODIES = {
    "plain": FINE,
    "white space around": b" \r\n\t" + FINE + b"\n",
    "arguments may be called anything": call('{"Name":"a","name":"b","METHOD":1,"param\u017f":2}'),
    "a surrogate pair": call('{"a":"\\ud83d\\ude00"}'),
    "2^53": call('{"a":9007199254740992}'),
    "a large even number": call('{"a":1000000000000000000000}'),
    "decimals": call('{"a":0.1,"b":-1.5e-7,"c":100.00,"d":1e300}'),
    "id 0": call(id="0"),
    "an empty id": call(id='""'),
    "a text id of digits": call(id='"1"'),
    "a negative id": call(id="-5"),
    "deep enough": call('{"a":' + "[" * 28 + "]" * 28 + "}"),
    "brackets in strings": call('{"a":"' + "[{" * 40 + '"}'),
    "an unknown member": call(envelope=',"x-own":{"a":1}', params=',"other":[1]'),
    "no arguments": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"placeOrder"}}',
}


@pytest.mark.parametrize("what", PARSE_ERRORS)
def test_it_refuses_what_is_not_strict_json(gateway: str, upstream: RecordingUpstream, world: World, what: str) -> None:
    response = agent_of(gateway, world).post(PARSE_ERRORS[what])
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32700
    assert response.json()["id"] is None
    assert upstream.received == []


@pytest.mark.parametrize("what", INVALID_REQUESTS)
def test_it_refuses_what_is_not_one_message(gateway: str, upstream: RecordingUpstream, world: World, what: str) -> None:
    response = agent_of(gateway, world).post(INVALID_REQUESTS[what])
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32600
    assert upstream.received == []


@pytest.mark.parametrize("what", FINE_BODIES)
def test_it_forwards_the_tree_that_it_judged(
    gateway: str, upstream: RecordingUpstream, world: World, what: str
) -> None:
    body = FINE_BODIES[what]
    response = agent_of(gateway, world).post(body)
    assert response.status_code == 200, response.text
    [received] = upstream.received
    assert received.message == json.loads(body)
    assert type(received.message["id"]) is type(json.loads(body)["id"])
    assert list(received.message) == list(json.loads(body))
    assert response.json()["id"] == json.loads(body)["id"]


def test_it_never_forwards_the_clients_bytes(gateway: str, upstream: RecordingUpstream, world: World) -> None:
    agent_of(gateway, world).post(b"  " + call('{"a" : 1.50, "b":"\\u0041"}'))
    [received] = upstream.received
    assert b'"arguments":{"a":1.50,"b":"A"}' in received.body
    assert not received.body.startswith(b" ")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(FINE), 415),
        ({"Content-Encoding": "br"}, FINE, 415),
        ({"Content-Type": "text/plain"}, FINE, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, FINE, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, FINE, 200),
        ({"Content-Encoding": "identity"}, FINE, 200),
        ({}, b" " * (1024 * 1024 + 1), 413),
        ({}, call('{"a":"' + "x" * (1024 * 1024) + '"}'), 413),
        ({}, call('{"a":"' + "x" * 900_000 + '"}'), 200),
    ],
)
def test_it_reads_plain_json_of_a_bounded_size_only(
    gateway: str, upstream: RecordingUpstream, world: World, headers: dict[str, str], body: bytes, status: int
) -> None:
    response = agent_of(gateway, world).post(body, headers)
    assert response.status_code == status
    assert len(upstream.received) == (1 if status == 200 else 0)
    if status != 200:
        assert response.json()["error"]["code"] == -32600


def test_a_body_without_a_length_is_bounded_too(gateway: str, upstream: RecordingUpstream, world: World) -> None:
    agent = agent_of(gateway, world)
    parts = (b" " * 65_536 for _ in range(20))
    response = agent.http.post(agent.url, content=parts, headers=agent.head())
    assert response.status_code == 413
    assert upstream.received == []


def test_a_malformed_message_of_a_known_grant_is_recorded(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(ALLOW)
    agent_of(gateway, world).post(PARSE_ERRORS["duplicate name"])
    wait_until(lambda: records_of(world), 10)
    [record] = records_of(world)
    assert (record.outcome, record.rule, record.status) == ("deny", "(malformed)", "refused")
    assert (record.tool, record.argument_keys) == ("", [])


@pytest.fixture(scope="module")
def world(rows: None, recorder: RecordingUpstream) -> World:
    return make_world(recorder.url, ALLOW)
