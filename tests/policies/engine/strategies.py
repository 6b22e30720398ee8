"""Generated JSON values, conditions and policy documents, right ones and broken ones."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from policies.engine.values import JSON

NAMES = ["a", "b", "c", "list"]
TEXTS = ["", "a", "Buy", "BTCUSDT", "1", "0.5", "-3", "1e3", "1e999", " 1 ", "5", "true", "null", "\ud800", "a\n"]


def repeat(examples: int) -> settings:
    """Settings of a property: no clock decides it, and nothing is written to disk."""
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**6),
)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), numbers, st.sampled_from(TEXTS), st.text(max_size=5), st.decimals()
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([*NAMES, "x", "0"]), inner, max_size=4)
    ),
    max_leaves=10,
)
arguments: st.SearchStrategy[dict[str, JSON]] = st.dictionaries(st.sampled_from(NAMES), values, max_size=4)

paths = st.sampled_from(
    [
        "args.a",
        "args.b",
        "args.c.x",
        "args.list[0]",
        "args.list[*]",
        "args.list[*].x",
        "args.list[*].x[*].a",
        'args["a"]',
    ]
)
plain_paths = st.sampled_from(["args.a", "args.b", "args.c.x", "args.list[0].x"])
folds = st.one_of(
    plain_paths,
    st.builds(lambda path: {"sum": path}, paths),
    st.just({"count": "args.list[*].x"}),
    st.builds(lambda kind, path: {kind: path}, st.sampled_from(["min", "max"]), paths),
    st.builds(lambda left, right: {"product": [left, right]}, plain_paths, plain_paths),
    st.just({"product": ["args.list[*].x", "args.list[*].a"]}),
)
bounds = st.one_of(st.integers(-5, 10**6), st.sampled_from(["0.5", "1e3", "-2"]))
plain_values = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "Buy", "1", "0.5"]))


def _compare(op: str, value: Any, path: str) -> dict[str, Any]:
    return {"path": path, "op": op, "value": value}


conditions: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(_compare, st.sampled_from(["eq", "neq", "contains"]), plain_values, paths),
    st.builds(_compare, st.sampled_from(["in", "not_in"]), st.lists(plain_values, max_size=3), paths),
    st.builds(_compare, st.sampled_from(["lt", "lte", "gt", "gte"]), bounds, paths),
    st.builds(_compare, st.just("exists"), st.booleans(), paths),
    st.builds(_compare, st.sampled_from(["matches", "regex"]), st.sampled_from(["", "a+", "[0-9]+$", "^B"]), paths),
    st.builds(
        _compare,
        st.sampled_from(["eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "contains"]),
        st.builds(lambda path: {"path": path}, plain_paths),
        paths,
    ),
    st.builds(
        lambda amount, op, value: {"amount": amount, "op": op, "value": value},
        st.one_of(folds, st.builds(lambda amount: {"abs": amount}, folds)),
        st.sampled_from(["eq", "neq", "lt", "lte", "gt", "gte"]),
        bounds,
    ),
    st.builds(
        lambda days, tz: {"path": "call.time", "op": "within", "value": {"days": days, "tz": tz}},
        st.lists(st.sampled_from(["mon", "sun"]), min_size=1),
        st.sampled_from(["UTC", "Asia/Tokyo"]),
    ),
)
amounts = st.one_of(
    folds,
    st.lists(
        st.builds(lambda when, amount: {"when": when, "amount": amount}, st.lists(conditions, max_size=2), folds),
        min_size=1,
        max_size=3,
    ),
)


def _entry(found: list[dict[str, Any]], each: str | None) -> dict[str, Any]:
    return {"conditions": found} if each is None else {"conditions": found, "each": each}


entries = st.lists(
    st.builds(_entry, st.lists(conditions, max_size=3), st.sampled_from([None, None, "args.list[*]", "args.list"])),
    max_size=2,
)


def _limit(number: int, window: Any, most: int, amount: Any) -> dict[str, Any]:
    limit = {"counter": f"n{number}", "window": window, "max": most}
    return limit if amount is None else {**limit, "amount": amount}


def list_limits(offset: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Limits with counters of their own, so that no two amounts meet in one."""
    windows = st.sampled_from([1, 60, "minute", "day"])
    each = [
        st.builds(_limit, st.just(offset + index), windows, st.integers(0, 100), st.one_of(st.none(), amounts))
        for index in range(2)
    ]
    return st.one_of(st.just([]), st.tuples(*each).map(list))


rules = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["allow", "deny", "hide", "require_approval"]),
        "reason": st.sampled_from(["", "Because."]),
        "rate_limit": st.fixed_dictionaries({"max": st.integers(0, 9), "window": st.integers(1, 99)}),
        "require": entries,
        "deny_if": entries,
        "approve_if": entries,
        "limits": list_limits(0),
    },
)
documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"version": st.just("1"), "default": st.sampled_from(["allow", "deny"])},
    optional={
        "hide": st.lists(st.sampled_from(["other", "t*", "x"]), max_size=1),
        "risk": st.dictionaries(st.sampled_from(["low", "critical"]), rules, max_size=2),
        "all_tools": st.fixed_dictionaries(
            {},
            optional={"require": entries, "deny_if": entries, "approve_if": entries, "limits": list_limits(10)},
        ),
        "tools": st.dictionaries(st.sampled_from(["tool", "other", "to*", "*"]), rules, max_size=3),
    },
)
