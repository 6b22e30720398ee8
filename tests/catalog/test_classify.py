"""The classifier: measured on the tools whose answer is known, and on tables of other servers' tools."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.classify import classify, split_words
from catalog.rubric import LEVELS, SIGNALS
from tests.catalog.conftest import TOOLS

LOWER = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False, "idempotentHint": True}
RAISE = {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True, "idempotentHint": False}


@pytest.mark.parametrize("with_texts", [True, False])
def test_it_agrees_with_the_catalogue_on_most_categories(with_texts: bool) -> None:
    judged = [
        (tool, classify(tool["name"], tool["summary"] if with_texts else "", tool["input_schema"], {}))
        for tool in TOOLS
    ]
    right = sum(found.category == tool["category"] for tool, found in judged)
    assert right / len(judged) >= 0.95


def test_what_the_catalogue_calls_critical_is_never_below_high() -> None:
    for tool in TOOLS:
        found = classify(tool["name"], tool["summary"], tool["input_schema"], {})
        distance = LEVELS.index(tool["risk"]) - LEVELS.index(found.level)
        assert distance <= (1 if tool["risk"] == "critical" else 2), tool["name"]


TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_issue", {}, "write", "medium"),
    ("merge_pull_request", {}, "write", "medium"),
    ("delete_repository", {}, "destructive", "high"),
    ("bulk-delete-users", {}, "destructive", "critical"),
    ("drop_table", {}, "destructive", "high"),
    ("read_file", {}, "read", "low"),
    ("write_file", {}, "write", "medium"),
    ("get_secret", {}, "read", "medium"),
    ("list_messages", {}, "read", "medium"),
    ("send_email", {}, "write", "medium"),
    ("updateWebhook", {}, "write", "high"),
    ("execute_command", {}, "execute", "high"),
    ("run_query", {}, "execute", "high"),
    ("query", {"sql": {}}, "execute", "high"),
    ("query", {"symbol": {}}, "read", "low"),
    ("create_payment", {}, "financial", "high"),
    ("add_thing", {"amount": {}}, "financial", "high"),
    ("refund_charge", {}, "financial", "critical"),
    ("placeOrder", {}, "financial", "critical"),
    ("cancelAllOrders", {}, "destructive", "critical"),
    ("browser_click", {}, "execute", "high"),
    ("startSubscription", {}, "execute", "high"),
    ("readMessages", {}, "read", "medium"),
    ("", {}, "execute", "high"),
    ("深い", {}, "execute", "high"),
]


@pytest.mark.parametrize(("name", "properties", "category", "level"), TABLE)
def test_it_judges_other_servers_tools(name: str, properties: dict[str, Any], category: str, level: str) -> None:
    found = classify(name, "", {"type": "object", "properties": properties}, {})
    assert (found.category, found.level) == (category, level)


@pytest.mark.parametrize("name", ["read_file", "create_issue", "delete_repository", "placeOrder", "frobnicate"])
def test_annotations_raise_a_risk_and_never_lower_it(name: str) -> None:
    plain = classify(name, "", {}, {})
    assert classify(name, "", {}, LOWER) == plain
    raised = classify(name, "", {}, RAISE)
    assert LEVELS.index(raised.level) >= LEVELS.index(plain.level)
    assert raised.category in ("destructive", "financial")


def test_a_read_that_says_it_is_not_read_only_is_a_write() -> None:
    assert classify("get_page", "", {}, {"readOnlyHint": False}).category == "write"
    assert classify("get_page", "", {}, {"readOnlyHint": "no"}).category == "read"


def test_a_description_raises_what_the_name_plays_down() -> None:
    assert classify("get_page", "Deletes the page.", {}, {}).category == "destructive"
    assert classify("get_page", "Returns the page.", {}, {}).category == "read"
    assert classify("delete_page", "Returns the page.", {}, {}).category == "destructive"


def test_a_name_that_says_nothing_is_never_low() -> None:
    assert classify("frobnicate", "", {}, {}).level == "high"
    assert classify("frobnicate", "Returns the weather.", {}, {}).level == "medium"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wsBatchCancelOrders", ("ws", "batch", "cancel", "order")),
        ("list_API_keys", ("list", "api", "key")),
        ("queryAPIKey", ("query", "api", "key")),
        ("get-address.v2", ("get", "address", "v")),
    ],
)
def test_names_are_split_at_case_and_signs(name: str, words: tuple[str, ...]) -> None:
    assert split_words(name) == words


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.text(max_size=60),
    description=st.text(max_size=60),
    schema=st.dictionaries(st.sampled_from(["type", "properties", "items", "x"]), JSONS, max_size=3),
    annotations=st.dictionaries(st.sampled_from([*LOWER, "title"]), JSONS, max_size=4),
)
def test_it_never_raises_and_speaks_only_the_rubrics_words(
    name: str, description: str, schema: dict[str, Any], annotations: dict[str, Any]
) -> None:
    found = classify(name, description, schema, annotations)
    assert set(found.signals) <= SIGNALS
    assert found.category == "read" or found.level != "low"
