"""Strict reading, exact writing, and fingerprints of definitions."""

from decimal import Decimal

import pytest

from policies.engine.values import JSON
from servers.fingerprint import JsonRefusedError, fingerprint_of, parse_json, write_json

DEFINITION = '{"name":"a","inputSchema":{"type":"object","properties":{"q":{"minimum":1.10}}},"description":"é"}'


def read(text: str) -> dict[str, JSON]:
    value = parse_json(text)
    assert isinstance(value, dict)
    return value


def test_numbers_stay_exact_through_reading_and_writing() -> None:
    text = "[1, 1.0, 1.10, 123456789012345678901234567890, 0.00000000000000000001, -0.0]"
    value = parse_json(text)
    assert isinstance(value, list) and all(isinstance(item, (int, Decimal)) for item in value)
    assert write_json(value) == "[1, 1.0, 1.10, 123456789012345678901234567890, 1E-20, -0.0]"
    assert parse_json(write_json(value)) == value


@pytest.mark.parametrize("text", ['{"a": [], "b": {}, "c": [1, {"d": null}], "e": true}', '"\\u0000 é \\" \\\\"', "[]"])
def test_what_is_written_reads_back_the_same(text: str) -> None:
    value = parse_json(text)
    assert parse_json(write_json(value)) == value
    assert parse_json(write_json(value, "  ")) == value


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", "nan", "NaN", "Infinity", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '"\\udc00"', "1 2", "01",
     "1e401", "1e99999999999999999999", "9" * 401, "[" * 70 + "]" * 70, "[" * 50_000],
)  # fmt: skip
def test_it_refuses_what_is_not_strict(text: str) -> None:
    with pytest.raises(JsonRefusedError):
        parse_json(text)


def test_the_order_of_keys_and_spacing_do_not_change_a_fingerprint() -> None:
    shuffled = (
        '{ "description": "é", "inputSchema": {"properties": {"q": {"minimum": 1.10}}, "type": "object"}, "name": "a"}'
    )
    assert fingerprint_of(read(DEFINITION)) == fingerprint_of(read(shuffled))
    assert len(fingerprint_of(read(DEFINITION))) == 64


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"a"', '"A"'),
        ("1.10", "1.1"),
        ("1.10", '"1.10"'),
        ("é", "e\u0301"),
        ('"object"', '"object","x":null'),
        ("é", "é "),
    ],
)
def test_any_other_change_does(was: str, now: str) -> None:
    assert fingerprint_of(read(DEFINITION)) != fingerprint_of(read(DEFINITION.replace(was, now, 1)))
