"""Rules made wholly in the builder's forms, by mouse and by keyboard: what they write, say, warn of and take back."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_builder import choose_filter, complaints, row_of, text_of
from tests.browser.test_whole_way import add_simulator, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance

__all__ = ["complaints"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START = '{\n  "version": "1",\n  "default": "deny",\n  "tools": {\n    "getTickers": {}\n  }\n}\n'
NOTIONAL: dict[str, Any] = {"product": ["args.qty", "args.price"]}
CREATE_ORDER: dict[str, Any] = {
    "action": "allow",
    "require": [
        {
            "conditions": [{"path": "args.symbol", "op": "in", "value": ["BTCUSDT", "ETHUSDT"]}],
            "on_deny": "BTC and ETH only.",
        }
    ],
    "deny_if": [
        {"conditions": [{"amount": NOTIONAL, "op": "gt", "value": 5000}], "on_deny": "At most 5,000 an order."}
    ],
    "rate_limit": {"max": 10, "window": 60},
    "limits": [
        {
            "counter": "notional",
            "window": "day",
            "max": 20000,
            "scope": "grant",
            "amount": [
                {"when": [{"path": "args.marketUnit", "op": "eq", "value": "quoteCoin"}], "amount": "args.qty"},
                {"amount": NOTIONAL},
            ],
        }
    ],
}
IN_BATCH: list[dict[str, Any]] = [
    {
        "each": "args.request[*]",
        "conditions": [
            {"path": "item.orderType", "op": "eq", "value": "Market"},
            {"path": "item.reduceOnly", "op": "neq", "value": True},
        ],
        "on_deny": "Market orders in a batch must only reduce.",
    }
]
LARGE: dict[str, Any] = {
    "conditions": [{"amount": {"count": "args.request[*]"}, "op": "gt", "value": 3}],
    "on_deny": "A person looks at large batches.",
}
SHARED = """{
  "version": "1",
  "default": "deny",
  "risk": {"low": {"rate_limit": {"max": 1e1, "window": "hour"}}},
  "all_tools": {
    "deny_if": [{"except": ["get*"], "conditions": [{"path": "args.symbol", "op": "eq", "value": "XRPUSDT"}]}],
    "limits": [{"counter": "calls", "window": "minute", "max": 120.0}]
  },
  "tools": {
    "createOrder": {},
    "cancel*": {
      "require": [
        {"conditions": [{"path": "args.category", "op": "in", "value": ["linear"]}]},
        {"conditions": [{"path": "args.symbol", "op": "eq", "value": null}]}
      ]
    }
  }
}
"""


def open_policy(page: Page, instance: Instance, name: str, document: str = START) -> None:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Forms", document)
    expect(page.locator(".tools-row").first).to_be_visible()


def open_tool(page: Page, name: str) -> Locator:
    choose_filter(page, name)
    row_of(page, name).get_by_role("radio", name="Custom").click()
    panel = page.get_by_role("region", name=re.compile(name))
    expect(panel).to_be_visible()
    return panel


def new_rule(page: Page, kind: str) -> Locator:
    form = page.get_by_role("group", name="Add a rule", exact=True)
    form.get_by_label("Kind of rule").select_option(kind)
    return form


def choose(scope: Locator, label: str, value: str) -> None:
    scope.get_by_label(label, exact=True).select_option(value)


def fill(scope: Locator, label: str, value: str) -> None:
    box = scope.get_by_label(label, exact=True)
    box.fill(value)
    box.press("Enter")


def add(form: Locator, reason: str = "") -> None:
    if reason:
        form.get_by_label(re.compile("What the agent reads")).fill(reason)
        form.get_by_label(re.compile("What the agent reads")).press("Enter")
    form.get_by_role("button", name="Add the rule").click()


def condition(scope: Locator, number: int) -> Locator:
    return scope.get_by_role("group", name=f"Condition {number}", exact=True)


def rule_of(page: Page, tool: str) -> dict[str, Any]:
    rule: dict[str, Any] = json.loads(text_of(page))["tools"][tool]
    return rule


def make_order_rules(page: Page) -> None:
    form = new_rule(page, "require")
    choose(form, "Argument", "args.symbol")
    fill(form, "Value of symbol", "BTCUSDT, ETHUSDT")
    add(form, "BTC and ETH only.")
    form = new_rule(page, "deny_if")
    choose(form, "Argument", "(amount)")
    choose(form, "Amount", "product")
    choose(form, "First factor", "args.qty")
    choose(form, "Second factor", "args.price")
    choose(form, "Comparison", "gt")
    fill(form, "Value of the amount", "5000")
    add(form, "At most 5,000 an order.")
    page.get_by_label("Limit the calls of each agent").check()


def make_notional_limit(page: Page) -> None:
    form = new_rule(page, "limits")
    expect(form.get_by_role("button", name="Add the rule")).to_be_disabled()
    fill(form, "At most this many or much", "twenty")
    expect(form.get_by_role("alert")).to_have_text("Write a number, such as 20000.")
    fill(form, "At most this many or much", "20000")
    fill(form, "Name of the counter", "notional")
    choose(form, "What is counted", "amount")
    choose(form, "Amount", "cases")
    first = form.get_by_role("group", name="Case 1", exact=True)
    choose(first, "Argument of the amount", "args.qty")
    first.get_by_role("button", name="Add a condition").click()
    choose(first, "Argument", "args.marketUnit")
    choose(first, "Comparison", "eq")
    choose(first, "Value of marketUnit", '"quoteCoin"')
    form.get_by_role("button", name="Add a case for everything else").click()
    second = form.get_by_role("group", name="Case 2", exact=True)
    choose(second, "Amount", "product")
    choose(second, "First factor", "args.qty")
    choose(second, "Second factor", "args.price")
    choose(form, "For whom", "grant")
    add(form)


def test_an_orders_rules_are_made_in_forms_and_the_review_shows_them(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    open_policy(page, instance, "forms-order")
    panel = open_tool(page, "createOrder")
    make_order_rules(page)
    make_notional_limit(page)
    assert rule_of(page, "createOrder") == CREATE_ORDER
    for sentence in (
        "Only when symbol is BTCUSDT or ETHUSDT.",
        "Qty * price at most 5,000.",
        "At most 20,000 a day by qty when marketUnit is quoteCoin, else qty * price.",
    ):
        expect(panel.get_by_text(sentence, exact=True)).to_be_visible()
    page.screenshot(path=screenshots / "forms-order.png", full_page=True)

    before = text_of(page)
    expect(panel.get_by_role("button", name=re.compile("Close it"))).to_have_count(1)
    panel.get_by_role("button", name="Close it: refuse calls without args.price").click()
    closing = {"conditions": [{"path": "args.price", "op": "exists", "value": True}]}
    assert rule_of(page, "createOrder")["require"] == [*CREATE_ORDER["require"], closing]
    expect(page.get_by_role("group", name="Only when price has been")).to_be_focused()
    expect(panel.get_by_text("Only when price is given.", exact=True)).to_be_visible()
    expect(panel.get_by_role("button", name=re.compile("Close it"))).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    assert text_of(page) == before
    expect(panel.get_by_role("button", name=re.compile("Close it"))).to_have_count(1)
    page.get_by_role("button", name="Redo").click()
    expect(panel.get_by_role("button", name=re.compile("Close it"))).to_have_count(0)

    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()
    for words in ("only when price is given", "at most 20,000 a day by qty when marketUnit is quoteCoin"):
        expect(page.locator("main").get_by_text(words).first).to_be_visible()
    page.get_by_role("button", name="Publish version 2").first.click()
    expect(page.locator("main")).to_contain_text("Version 2 in force")
    assert complaints == []


def make_batch_rules(page: Page) -> None:
    form = new_rule(page, "deny_if")
    choose(form, "Argument", "args.request[*].orderType")
    expect(form.get_by_text("One element of the list is enough.")).to_be_visible()
    choose(form, "Comparison", "eq")
    choose(form, "Value of any of request: orderType", '"Market"')
    form.get_by_role("button", name="Add a condition").click()
    choose(condition(form, 2), "Argument", "args.request[*].reduceOnly")
    expect(form.get_by_text("may be met by two different elements")).to_be_visible()
    choose(form, "What the conditions look at", "args.request[*]")
    choose(condition(form, 2), "Comparison", "neq")
    add(form, IN_BATCH[0]["on_deny"])
    form = new_rule(page, "approve_if")
    choose(form, "Argument", "(amount)")
    choose(form, "Amount", "count")
    choose(form, "Argument of the amount", "args.request[*]")
    choose(form, "Comparison", "gt")
    fill(form, "Value of the amount", "3")
    add(form, LARGE["on_deny"])


def test_a_batch_is_judged_by_each_of_its_orders_and_asks_a_person(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    open_policy(page, instance, "forms-batch")
    panel = open_tool(page, "batchCreateOrders")
    make_batch_rules(page)
    made = rule_of(page, "batchCreateOrders")
    assert (made["deny_if"], made["approve_if"]) == (IN_BATCH, [LARGE])
    for sentence in (
        "Denied when orderType is Market and reduceOnly is not true (for any element of request).",
        "Asks a person when the number of request is above 3.",
    ):
        expect(panel.get_by_text(sentence, exact=True)).to_be_visible()
    page.screenshot(path=screenshots / "forms-batch.png", full_page=True)
    assert complaints == []


def test_a_rule_that_stands_is_changed_in_its_place_and_says_what_is_wrong_there(
    page: Page, instance: Instance, complaints: list[str]
) -> None:
    held = {**json.loads(START), "tools": {"batchCreateOrders": {"approve_if": [LARGE]}}}
    open_policy(page, instance, "forms-change", json.dumps(held, indent=1))
    panel = open_tool(page, "batchCreateOrders")
    entry = page.get_by_role("group", name=re.compile("^Ask a person when"))
    before = text_of(page)
    fill(entry, "Value of the amount", "4.0")
    assert '"value": 4.0' in text_of(page)
    entry.get_by_role("button", name="Add a condition").click()
    fresh = entry.get_by_role("group", name="New condition", exact=True)
    expect(fresh.get_by_role("button", name="Add the condition")).to_be_disabled()
    choose(fresh, "Argument", "call.time")
    fresh.get_by_role("checkbox", name="Fri").uncheck()
    fill(fresh, "From", "8:00")
    expect(fresh.get_by_role("alert")).to_have_text("Write a time such as 08:30, up to 24:00.")
    fill(fresh, "From", "07:30")
    fill(fresh, "Time zone", "Europe/London")
    fresh.get_by_role("button", name="Add the condition").click()
    hours = {"days": ["mon", "tue", "wed", "thu"], "from": "07:30", "to": "18:00", "tz": "Europe/London"}
    asked = rule_of(page, "batchCreateOrders")["approve_if"][0]["conditions"]
    assert asked[1] == {"path": "call.time", "op": "within", "value": hours}
    expect(panel).to_contain_text("the time is Monday to Thursday, 07:30 to 18:00 Europe/London")
    fill(entry, "Time zone", "Europe/Londn")
    expect(condition(entry, 2)).to_contain_text("no time zone of the IANA list")
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    assert text_of(page) == before
    assert complaints == []


def test_the_comparisons_fit_the_arguments_type_and_one_argument_bounds_another(
    page: Page, instance: Instance, complaints: list[str]
) -> None:
    open_policy(page, instance, "forms-types")
    panel = open_tool(page, "createOrder")
    form = new_rule(page, "deny_if")
    ordered = ["lte", "gte", "lt", "gt"]
    for argument, ops in {
        "args.side": ["in", "not_in", "eq", "neq", "exists"],
        "args.reduceOnly": ["eq", "neq", "exists"],
        "args.price": ["in", "not_in", "eq", "neq", *ordered, "contains", "matches", "regex", "exists"],
        "(amount)": [*ordered, "eq", "neq", "in", "not_in"],
    }.items():
        choose(form, "Argument", argument)
        offered = form.get_by_label("Comparison", exact=True).locator("option")
        assert offered.evaluate_all("options => options.map((each) => each.value)") == ops
    choose(form, "Argument", "args.price")
    choose(form, "Comparison", "gt")
    choose(form, "Compared with", "path")
    expect(form.get_by_role("button", name="Add the rule")).to_be_disabled()
    choose(form, "Other argument", "args.takeProfit")
    form.get_by_role("button", name="Add a condition").click()
    choose(condition(form, 2), "Argument", "args.symbol")
    choose(condition(form, 2), "Comparison", "matches")
    fill(condition(form, 2), "Value of symbol", "[A-Z]+(USDT")
    add(form)
    entry = page.get_by_role("group", name=re.compile("^Deny when price is above and symbol"))
    expect(condition(entry, 2)).to_contain_text("missing )")
    fill(condition(entry, 2), "Value of symbol", r"[A-Z]+\d*USDT")
    assert rule_of(page, "createOrder")["deny_if"][0]["conditions"] == [
        {"path": "args.price", "op": "gt", "value": {"path": "args.takeProfit"}},
        {"path": "args.symbol", "op": "matches", "value": r"[A-Z]+\d*USDT"},
    ]
    expect(panel).to_contain_text("Denied when price is above takeProfit and symbol fits the pattern")
    assert complaints == []


def test_rules_that_serve_many_tools_have_the_same_forms(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    open_policy(page, instance, "forms-shared", SHARED)
    page.get_by_role("button", name="Open /tools/cancel*", exact=True).click()
    panel = page.get_by_role("region", name=re.compile("cancel"))
    panel.get_by_label("A call that passes its conditions").select_option("require_approval")
    fill(panel, "What the agent reads when the action refuses or holds the call (optional)", "A person decides.")
    entry = page.get_by_role("group", name="Only when category is one of", exact=True)
    entry.get_by_role("checkbox", name="spot").check()
    made = rule_of(page, "cancel*")
    assert (made["action"], made["reason"]) == ("require_approval", "A person decides.")
    assert made["require"][0]["conditions"][0]["value"] == ["linear", "spot"]
    undrawn = panel.get_by_label("JSON of /tools/cancel*/require/1")
    expect(undrawn).to_have_text('{"conditions": [{"path": "args.symbol", "op": "eq", "value": null}]}')
    page.screenshot(path=screenshots / "forms-pattern.png", full_page=True)
    page.get_by_role("button", name="Back to all tools").click()

    page.get_by_role("button", name="Conditions of the low risk rule").click()
    form = new_rule(page, "require")
    choose(form, "Argument", "args.category")
    form.get_by_role("checkbox", name="linear").check()
    add(form)
    low = json.loads(text_of(page))["risk"]["low"]
    assert low["require"] == [{"conditions": [{"path": "args.category", "op": "in", "value": ["linear"]}]}]
    assert '"max": 1e1' in text_of(page)
    page.get_by_role("button", name="Back to all tools").click()

    page.get_by_role("button", name="Open the rules for every tool").click()
    panel = page.get_by_role("region", name="Every tool")
    expect(panel).to_contain_text("All tools but get*: denied when symbol is XRPUSDT.")
    panel.get_by_role("button", name="Close it: refuse calls without args.symbol").click()
    shared = json.loads(text_of(page))["all_tools"]
    exists = {"path": "args.symbol", "op": "exists", "value": True}
    closed = shared["require"][0]
    assert closed["conditions"] == [exists]
    assert "createOrder" in closed["for"] and "CoinListQuery" not in closed["for"]
    expect(panel.get_by_role("button", name=re.compile("Close it"))).to_have_count(0)
    limit = page.get_by_role("group", name="At most a limit on calls")
    choose(limit, "Tools it holds for", "for")
    expect(limit).to_contain_text("This names no tool")
    fill(limit, "Names or patterns of tools", "create*, cancelOrder")
    shared = json.loads(text_of(page))["all_tools"]
    assert shared["limits"][0]["for"] == ["create*", "cancelOrder"]
    assert '"max": 120.0' in text_of(page)
    expect(panel).to_contain_text("All of create* and cancelOrder: at most 120 calls a minute.")
    page.screenshot(path=screenshots / "forms-shared.png", full_page=True)
    assert complaints == []


def tab_to(page: Page, label: str) -> None:
    """With Tab alone, as far as it takes; what has the focus then shows it."""
    name = "(e => e.getAttribute('aria-label') ?? e.textContent)(document.activeElement)"
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(name) == label:
            break
    assert page.evaluate(name) == label
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_rule_is_made_changed_and_closed_by_keyboard(page: Page, instance: Instance) -> None:
    open_policy(page, instance, "forms-keys")
    choose_filter(page, "createOrder")
    row_of(page, "createOrder").get_by_role("radio", checked=True).focus()
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name=re.compile("createOrder"))).to_be_focused()
    tab_to(page, "Kind of rule")
    page.keyboard.type("Deny")
    tab_to(page, "Argument")
    page.keyboard.type("price")
    tab_to(page, "Comparison")
    page.keyboard.type("is above")
    tab_to(page, "Value of price")
    page.keyboard.type("lots")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Write a number")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("70000.50")
    tab_to(page, "Add the rule")
    page.keyboard.press("Enter")
    made = {"conditions": [{"path": "args.price", "op": "gt", "value": 70000.5}]}
    assert rule_of(page, "createOrder")["deny_if"] == [made]
    assert '"value": 70000.50' in text_of(page)
    expect(page.get_by_role("group", name="Deny when price is above")).to_be_focused()
    closing = "Close it: refuse calls without args.price"
    expect(page.get_by_role("button", name=closing)).to_be_visible()
    tab_to(page, closing)
    page.keyboard.press("Space")
    expect(page.get_by_role("group", name="Only when price has been")).to_be_focused()
    tab_to(page, "Remove this rule")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Argument rules and limits")).to_be_focused()
    assert "require" not in rule_of(page, "createOrder")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_forms_fit_a_narrow_screen(page: Page, instance: Instance, screenshots: Path, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    open_policy(page, instance, f"forms-{theme}")
    document = {**json.loads(START), "tools": {"createOrder": CREATE_ORDER, "batchCreateOrders": {"deny_if": IN_BATCH}}}
    type_document(page, json.dumps(document, indent=2))
    page.set_viewport_size({"width": 390, "height": 844})
    for tool in ("createOrder", "batchCreateOrders"):
        panel = open_tool(page, tool)
        expect(panel.get_by_role("group", name=re.compile("^Deny when"))).to_be_visible()
        page.screenshot(path=screenshots / f"forms-{tool}-{theme}-390.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert (
            page.evaluate(
                "[...document.querySelectorAll('.rule *')].filter(e => e.getBoundingClientRect().right > 391).length"
            )
            == 0
        )
        page.get_by_role("button", name="Back to all tools").click()
