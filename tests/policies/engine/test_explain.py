import pytest

from policies.engine.evaluate import Decision
from policies.engine.explain import explain_decision, explain_parts, explain_policy
from policies.engine.values import Outcome
from tests.policies.engine.builders import ORDER, build, call, compile_fields, cond, load_bybit, rule, when

BYBIT = load_bybit()


def explain(**fields: object) -> dict[str, str]:
    return {sentence.pointer: sentence.text for sentence in explain_policy(build(BYBIT, **fields), BYBIT)}


def test_each_rule_gets_a_sentence() -> None:
    found = explain(
        hide=["wsBatchCancelOrders", "close*Bot"],
        methods={"resources": "deny", "extra": ["logging/setLevel"]},
        risk={"low": {}, "critical": {"action": "require_approval", "rate_limit": {"max": 30, "window": 60}}},
        all_tools={
            "require": when(
                cond(
                    "call.time", "within", {"days": ["mon", "tue", "wed"], "from": "08:00", "to": "18:00", "tz": "UTC"}
                ),
                **{"except": ["get*"]},
            ),
            "limits": [{"counter": "calls", "window": "hour", "max": 1200, "scope": "organisation"}],
        },
        tools={
            "createOrder": {
                "require": when(cond("args.qty", "lte", "0.5")),
                "deny_if": when(cond("args.price", "gt", 100000)),
                "approve_if": when(cond("args.symbol", "neq", "BTCUSDT"), cond("args.reduceOnly", "exists", False)),
                "rate_limit": {"max": 10, "window": 60},
            },
            "batchCreateOrders": {
                "action": "allow",
                "require": when(cond("item.symbol", "in", ["A", "B", "C"]), each="args.request[*]"),
                "limits": [
                    {"counter": "o", "window": 7200, "max": 50, "amount": {"count": "args.request[*]"}},
                ],
            },
        },
    )
    assert found == {
        "/default": "All other tools: denied.",
        "/methods/resources": "The resources methods: denied.",
        "/methods/extra": "Let through as well: logging/setLevel.",
        "/hide/0": "wsBatchCancelOrders: hidden.",
        "/hide/1": "close*Bot: hidden (5 tools).",
        "/risk/low": "Low risk tools not named: allowed.",
        "/risk/critical": "Critical risk tools not named: asks a person; 30 a minute.",
        "/all_tools/require/0": ("All tools but get*: only when the time is Monday to Wednesday, 08:00 to 18:00 UTC."),
        "/all_tools/limits/0": "All tools: at most 1,200 calls an hour for the whole organisation.",
        "/tools/createOrder": (
            "createOrder: asks a person; qty at most 0.5; price at most 100,000; asks a person when symbol is not "
            "BTCUSDT and reduceOnly is left out; 10 a minute."
        ),
        "/tools/batchCreateOrders": (
            "batchCreateOrders: allowed; only when symbol is A, B or C (for each element of request); "
            "at most 50 in 2 hours by the number of request."
        ),
    }


def test_a_policy_that_allows_nothing_says_so() -> None:
    assert explain(hide=["wsBatchCancelOrders"])[""] == "This policy allows nothing."
    assert "" not in explain(tools={"getTickers": {}})


def test_a_pattern_without_action_follows_the_level_of_each_tool() -> None:
    found = explain(risk={"critical": {"action": "deny"}}, tools={"*Order": {}})
    assert found["/tools/*Order"] == "*Order: as the risk level of the tool says."


def test_a_decision_is_told_with_what_decided() -> None:
    policy = compile_fields(
        BYBIT, tools={"createOrder": {"require": when(cond("args.symbol", "in", ["ETHUSDT"]), on_deny="ETH only.")}}
    )
    text = explain_decision(call(policy, "createOrder", **ORDER))
    assert text == "Denied. ETH only. symbol is BTCUSDT; it must be ETHUSDT."


def test_an_allowed_call_is_told_with_what_it_charges() -> None:
    policy = rule(limits=[{"counter": "spent", "window": 60, "max": 100, "amount": "args.x"}])
    assert explain_decision(call(policy, x="2.50")) == "Allowed. Charges 2.5 to spent."


def test_absence_and_waiting_are_told() -> None:
    absent = explain_decision(call(rule(require=when(cond("args.x", "eq", 1)))))
    assert "x is left out; it must be 1." in absent
    broken = explain_decision(call(rule(require=when(cond("args.x.y", "eq", 1))), x=5))
    assert "x.y cannot be read." in broken
    limited = Decision(Outcome.LIMIT, "/tools/x/rate_limit", "At most 10.", retry_after=7)
    assert explain_decision(limited) == "Over a limit. At most 10. Try again in 7 seconds."


@pytest.mark.parametrize(
    ("kind", "condition", "words"),
    [
        ("require", cond("args.x", "lte", 3), "x is 5; it must be at most 3."),
        ("require", cond("args.x", "exists", False), "x is 5; it must be left out."),
        ("require", cond("args.y", "contains", "USD"), "y is EUR; it must contain USD."),
        ("require", cond("args.y", "matches", "US*"), "y is EUR; it must fit the pattern US*."),
        ("require", cond("args.x", "lt", {"path": "args.z"}), "x is 5; it must be below z."),
        ("deny_if", cond("args.x", "eq", 5), "x is 5."),
        ("deny_if", cond("args.x", "gt", 3), "x is 5, which is above 3."),
        ("deny_if", cond("args.y", "not_in", ["USD"]), "y is EUR, which is none of USD."),
        ("deny_if", cond("args.none", "exists", False), "none is left out."),
        # What cannot be compared is not said to be anything.
        ("deny_if", cond("args.y", "gt", 3), "y is EUR."),
        (
            "require",
            cond("call.time", "within", {"days": ["sun"], "from": "00:00", "to": "24:00", "tz": "UTC"}),
            "The time is 2026-11-23T10:00:00+00:00; it must be Sunday, UTC.",
        ),
    ],
)
def test_what_decided_is_told_in_peoples_words(kind: str, condition: dict[str, object], words: str) -> None:
    decision = call(rule(**{kind: when(condition)}), x=5, y="EUR", z=4)
    assert explain_decision(decision).endswith(f" {words}")


def test_each_argument_rule_and_limit_has_a_sentence_of_its_own() -> None:
    policy = build(
        BYBIT,
        risk={"medium": {"rate_limit": {"max": 30, "window": 60}}},
        tools={
            "createOrder": {
                "require": when(cond("args.qty", "lte", "0.5")),
                "deny_if": when(cond("args.price", "gt", 100000)),
                "approve_if": when(cond("args.symbol", "neq", "BTCUSDT")),
                "limits": [{"counter": "orders", "window": "hour", "max": 50}],
            },
        },
    )
    assert {sentence.pointer: sentence.text for sentence in explain_parts(policy)} == {
        "/risk/medium/rate_limit": "30 a minute.",
        "/tools/createOrder/require/0": "Qty at most 0.5.",
        "/tools/createOrder/deny_if/0": "Price at most 100,000.",
        "/tools/createOrder/approve_if/0": "Asks a person when symbol is not BTCUSDT.",
        "/tools/createOrder/limits/0": "At most 50 calls an hour.",
    }
