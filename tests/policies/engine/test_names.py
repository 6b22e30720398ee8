import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.names import is_tie, match_name, select_narrowest
from tests.policies.engine.strategies import repeat


@pytest.mark.parametrize(
    ("pattern", "name", "is_match"),
    [
        ("get*", "getTickers", True),
        ("get*", "get", True),
        ("get*", "Get", False),
        ("*Order", "cancelOrder", True),
        ("*Order", "cancelOrders", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*", "", True),
        ("**", "x", True),
        ("a?c", "abc", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("exact", "exact", True),
        ("exact", "exact ", False),
    ],
)
def test_a_star_stands_for_any_run_and_nothing_else_is_special(pattern: str, name: str, is_match: bool) -> None:
    assert match_name(pattern, name) == is_match


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("get*", "*Order", True),
        ("get*", "getO*", False),
        ("get*", "set*", False),
        ("*a*", "*b*", True),
        ("*Order", "*Orders", False),
        ("*", "get*", False),
        ("a*", "a**", True),
        ("a*c", "ab*", True),
        ("a*c", "ab*c", False),
        ("a*x", "a*y", False),
    ],
)
def test_two_patterns_tie_when_they_overlap_and_neither_is_narrower(left: str, right: str, expected: bool) -> None:
    assert is_tie(left, right) == expected
    assert is_tie(right, left) == expected


def test_the_narrowest_pattern_is_the_one_that_the_others_contain() -> None:
    patterns = ["*", "get*", "getOrder*", "set*"]
    assert select_narrowest(patterns, "getOrderBook") == "getOrder*"
    assert select_narrowest(reversed(patterns), "getOrderBook") == "getOrder*"
    assert select_narrowest(patterns, "getX") == "get*"
    assert select_narrowest(["get*"], "setX") is None


PATTERNS = st.text(alphabet="ab*", min_size=1, max_size=5).filter(lambda text: "*" in text)
NAMES = ["".join(letters) for size in range(7) for letters in itertools.product("ab", repeat=size)]


@repeat(200)
@given(PATTERNS, PATTERNS)
def test_patterns_that_do_not_tie_agree_with_every_short_name(left: str, right: str) -> None:
    covered_left = {name for name in NAMES if match_name(left, name)}
    covered_right = {name for name in NAMES if match_name(right, name)}
    if not is_tie(left, right):
        is_nested = covered_left <= covered_right or covered_right <= covered_left
        assert is_nested or not covered_left & covered_right
    if match_name(left, right):
        assert covered_right <= covered_left
