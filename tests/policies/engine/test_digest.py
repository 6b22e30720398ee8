import hashlib
from decimal import Decimal
from typing import cast

import pytest

from policies.engine.digest import digest_arguments, write_canonical
from policies.engine.values import JSON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, False, None]}, '{"a":[true,false,null],"b":1}'),
        ({}, "{}"),
        ([], "[]"),
        ("é€😀", '"é€😀"'),
        ('\b\t\n\f\r"\\/\x0f\x7f', '"\\b\\t\\n\\f\\r\\"\\\\/\\u000f\x7f"'),
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7},
            '{"\\r":2,"1":4,"\x80":6,"\xf6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        (Decimal("1.0"), "1.0"),
        (Decimal("0.10000000000000000000001"), "0.10000000000000000000001"),
        (9007199254740993, "9007199254740993"),
        (-5, "-5"),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785_with_exact_numbers(value: JSON, text: str) -> None:
    assert write_canonical(value) == text


def test_a_number_of_any_length_has_a_digest() -> None:
    assert write_canonical([10**5000]) == f"[1{'0' * 5000}]"


def test_the_digest_is_the_hash_of_the_canonical_form() -> None:
    assert digest_arguments({"b": "x", "a": 1}) == hashlib.sha256(b'{"a":1,"b":"x"}').hexdigest()


def test_the_order_of_keys_does_not_matter_and_everything_else_does() -> None:
    base = digest_arguments({"a": 1, "b": {"c": "2", "d": [1, 2]}})
    assert digest_arguments({"b": {"d": [1, 2], "c": "2"}, "a": 1}) == base
    others: list[dict[str, JSON]] = [
        {"a": "1", "b": {"c": "2", "d": [1, 2]}},
        {"a": True, "b": {"c": "2", "d": [1, 2]}},
        {"a": Decimal("1.0"), "b": {"c": "2", "d": [1, 2]}},
        {"a": 1, "b": {"c": "2", "d": [2, 1]}},
        {"a": 1, "b": {"c": "2", "d": [1, 2], "e": None}},
    ]
    digests = {digest_arguments(other) for other in others}
    assert base not in digests
    assert len(digests) == len(others)


def test_half_a_surrogate_pair_has_a_digest_of_its_own() -> None:
    assert digest_arguments({"a": "\ud800"}) != digest_arguments({"a": "\udc00"})


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError):
        digest_arguments({"a": cast("JSON", 1.5)})
