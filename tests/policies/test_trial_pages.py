"""Trying calls and the saved tests, through the door."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from accounts.models import AdminAudit, Role
from accounts.tenancy import tenant
from policies.access import saved_tests_for, versions_for
from policies.models import Policy, PolicyTest
from policies.saved_tests import Expectation
from policies.services import save_test
from policies.written_calls import write_arguments
from servers.models import Server, Tool, ToolState
from tests.conftest import Cast, client_of
from tests.policies.bybit import LIMIT, MARKET, make_bybit
from tests.policies.conftest import NOTHING, PACED, READS, WRONG, make_policy, make_server, member_of
from tests.policies.test_access import make_record
from tests.policies.test_policy_pages import open_page, send, text_of, url_of

ORDERS = """{
  "version": "1",
  "default": "deny",
  "hide": ["wsBatchCancelOrders"],
  "tools": {
    "createOrder": {
      "require": [
        {"conditions": [{"path": "args.orderType", "op": "eq", "value": "Limit"}], "on_deny": "Limit orders only."}
      ],
      "deny_if": [{"conditions": [{"path": "args.qty", "op": "gt", "value": 1.50}], "on_deny": "Too much."}],
      "limits": [{"counter": "orders", "window": "hour", "max": 20}]
    },
    "cancelOrder": {"action": "require_approval", "reason": "Ask."}
  }
}"""
AMOUNTS = """{"version": "1", "default": "deny", "tools": {"createOrder": {
  "limits": [{"counter": "coins", "window": "day", "max": 5, "amount": "args.qty"}]}}}"""


def fields_of(arguments: dict[str, str], tool: str = "createOrder") -> dict[str, str]:
    enums = {"category", "side", "orderType"}
    typed = {f"argument:{k}": json.dumps(v) if k in enums else v for k, v in arguments.items()}
    return {"do": "judge", "tool": tool, **typed}


def bybit_policy(cast: Cast, document: str = ORDERS) -> Policy:
    return make_policy(cast, make_bybit(cast.organisation), document=document)


def judge(cast: Cast, policy: Policy, body: dict[str, str]) -> HttpResponse:
    return send(cast.bob, url_of(cast, "test", policy.id), {"do": "judge", **body})


def keep(cast: Cast, policy: Policy, **wanted: str) -> HttpResponse:
    body = {
        "name": "Market",
        "tool": "createOrder",
        "arguments": json.dumps(MARKET),
        "expected_outcome": "deny",
        **wanted,
    }
    return send(cast.pam, url_of(cast, "keep_test", policy.id), body)


def add_test(cast: Cast, policy: Policy, *, name: str = "Tickers", expected_rule: str = "") -> PolicyTest:
    wanted = Expectation(name, "getTickers", "{}", "allow", expected_rule)
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.pam, Role.POLICY_MANAGER)
        return save_test(member=member, policy=policy, wanted=wanted)


def test_the_form_is_made_from_the_tools_schema(cast: Cast) -> None:
    policy = bybit_policy(cast)
    page = open_page(cast.bob, url_of(cast, "test", policy.id) + "?tool=createOrder")
    assert '<option value="createOrder" selected>' in page
    assert 'name="argument:qty"' in page
    assert """<option value=""PostOnly"">PostOnly</option>""" in page
    assert "left out, it counts as GTC" in page
    assert page.index('name="argument:qty"') < page.index('name="argument:price"')
    chosen = send(cast.bob, url_of(cast, "test", policy.id), {"do": "choose", "tool": "batchCreateOrders"})
    assert chosen.status_code == 200
    assert '<textarea class="mono" name="argument:request"' in text_of(chosen)


def test_a_denied_call_shows_rule_values_reason_and_the_agents_words(cast: Cast) -> None:
    policy = bybit_policy(cast)
    page = text_of(judge(cast, policy, fields_of(MARKET)))
    assert "badge-deny" in page
    assert "/tools/createOrder/require/0" in page
    assert (
        '{"conditions": [{"path": "args.orderType", "op": "eq", "value": "Limit"}], "on_deny": "Limit orders only."}'
        in page
    )
    assert '>Market</td><td data-label="Compared by"><code>eq</code></td><td data-label="With">Limit</td>' in page
    assert "explicit: a rule" in page
    assert "Denied. Limit orders only. orderType is Market; it must be Limit." in page
    assert (
        "[POLICY DENIED] Limit orders only.\nRule: /tools/createOrder/require/0\n"
        "Decision: (the id of the call's record)\nNext: Do not repeat this call." in page
    )


def test_an_allowed_call_shows_what_it_is_charged_to(cast: Cast) -> None:
    page = text_of(judge(cast, bybit_policy(cast), fields_of(LIMIT)))
    assert "badge-allow" in page
    assert '<th scope="row">orders</th><td class="number" data-label="Charge">1</td>' in page
    assert '<td data-label="At most">20 an hour</td><td data-label="Per">grant</td>' in page
    assert "The server's own answer." in page
    assert "POLICY DENIED" not in page


def test_the_rule_is_quoted_letter_for_letter(cast: Cast) -> None:
    page = text_of(judge(cast, bybit_policy(cast), fields_of({**LIMIT, "qty": "2"})))
    assert '"value": 1.50}]' in page.split("In the policy")[1].split("</pre>")[0]


@pytest.mark.parametrize(
    ("tool", "outcome", "words"),
    [
        ("wsBatchCancelOrders", "hide", ["/hide/0", "Unknown tool: wsBatchCancelOrders", "-32602"]),
        ("noSuchTool", "hide", ["Unknown tool: noSuchTool", "implicit"]),
        ("getTickers", "deny", ["(default)", "implicit", "<dd><code>/default</code></dd>", "Rule: (default)"]),
        ("cancelOrder", "approve", ["[POLICY DENIED] Ask.", "needs a person's approval"]),
    ],
)
def test_each_outcome_says_what_the_agent_reads(cast: Cast, tool: str, outcome: str, words: list[str]) -> None:
    page = text_of(judge(cast, bybit_policy(cast), {"pasted": json.dumps({"name": tool, "arguments": {}})}))
    assert f"badge-{outcome}" in page
    assert [word for word in words if word not in page] == []


def test_a_changed_tool_is_unknown_to_the_agent(cast: Cast) -> None:
    policy = bybit_policy(cast)
    with tenant(cast.organisation.id):
        Tool.objects.filter(name="createOrder").update(state=ToolState.CHANGED.value)
    page = text_of(judge(cast, policy, fields_of(LIMIT)))
    assert "(tool changed)" in page
    assert "Unknown tool: createOrder" in page


def test_a_limit_that_the_gateway_cannot_count_is_said_to_deny(cast: Cast) -> None:
    page = text_of(judge(cast, bybit_policy(cast, AMOUNTS), fields_of(LIMIT)))
    assert "badge-allow" in page
    assert "The gateway denies this call today" in page
    assert "Limits on amounts are not counted by this gateway yet" in page.split("<h3>What the agent reads")[1]


@pytest.mark.parametrize(
    "pasted",
    [
        json.dumps(MARKET),
        json.dumps({"name": "createOrder", "arguments": MARKET}),
        json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "createOrder", "arguments": MARKET}}
        ),
    ],
)
def test_a_call_may_be_pasted_in_each_form(cast: Cast, pasted: str) -> None:
    policy = bybit_policy(cast)
    page = text_of(judge(cast, policy, {"tool": "createOrder", "pasted": pasted, "argument:orderType": '"Limit"'}))
    assert "/tools/createOrder/require/0" in page


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"tool": ""}, "Choose a tool"),
        ({"tool": "createOrder", "pasted": "{"}, "Line 1, column 2"),
        ({"tool": "createOrder", "pasted": "[]"}, "Arguments are a JSON object"),
        ({"tool": "createOrder", "pasted": '{"qty": "1", "qty": "2"}'}, "stands twice"),
        ({"tool": "createOrder", "pasted": '{"method": "tools/list", "params": {}}'}, "Only a tools/call message"),
        ({"tool": "createOrder", "pasted": '{"method": "tools/call", "params": {}}'}, "name no tool"),
        ({"tool": "batchCreateOrders", "argument:request": "[{]"}, "Line 1"),
        ({"tool": "createOrder", "at": "yesterday"}, "valid date/time"),
        ({"tool": "createOrder", "at": "1200-01-01T00:00"}, "between 2000 and 2100"),
        ({"tool": "createOrder", "document": WRONG}, "The draft has errors"),
        ({"tool": "createOrder", "document": "{"}, "The draft has errors"),
    ],
)
def test_what_is_no_call_says_why(cast: Cast, body: dict[str, str], message: str) -> None:
    policy = bybit_policy(cast)
    answer = judge(cast, policy, body)
    assert (answer.status_code, message in text_of(answer)) == (422, True)
    assert judge(cast, policy, fields_of(LIMIT)).status_code == 200


def test_a_draft_that_comes_along_is_what_judges(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    body = {"tool": "getTickers", "document": NOTHING}
    page = text_of(judge(cast, policy, body))
    assert "Judged by your draft" in page
    assert "badge-deny" in page
    assert NOTHING in page
    assert "badge-allow" in text_of(judge(cast, policy, {"tool": "getTickers", "document": READS}))


def test_a_policy_without_version_is_tried_by_its_draft_only(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=None)
    answer = judge(cast, policy, {"tool": "getTickers"})
    assert (answer.status_code, "Nothing is published" in text_of(answer)) == (422, True)
    assert "badge-allow" in text_of(judge(cast, policy, {"tool": "getTickers", "document": READS}))


def test_the_time_of_the_call_decides_by_hours(cast: Cast, server: Server) -> None:
    hours = {"days": ["mon"], "from": "08:00", "to": "18:00", "tz": "UTC"}
    condition = {"path": "call.time", "op": "within", "value": hours}
    rule = {"require": [{"conditions": [condition]}]}
    document = json.dumps({"version": "1", "default": "deny", "tools": {"getTickers": rule}})
    policy = make_policy(cast, server, document=document)
    for at, outcome in (("2026-11-23T10:00", "allow"), ("2026-11-23T18:00", "deny"), ("2026-11-22T10:00", "deny")):
        assert f"badge-{outcome}" in text_of(judge(cast, policy, {"tool": "getTickers", "at": at}))


def test_markup_in_a_call_stays_text(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    answer = judge(cast, policy, {"tool": "<script>", "pasted": '{"symbol": "<script>"}'})
    assert answer.status_code == 200
    assert b"<script>" not in answer.content


def test_a_decision_leads_to_the_panel(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    record = make_record(cast.organisation, server.id, policy=policy.id, policy_version=1)
    page = open_page(cast.bob, f"/app/{cast.organisation.slug}/decisions/{record}/")
    link = url_of(cast, "test", policy.id) + "?tool=getTickers&from_decision=1"
    assert link in page
    assert "Argument values are not kept" in page
    panel = open_page(cast.bob, link)
    assert '<option value="getTickers" selected>' in panel
    assert "The values of its arguments are not kept" in panel


def test_a_call_is_kept_and_listed_with_its_result(cast: Cast) -> None:
    policy = bybit_policy(cast)
    panel = text_of(send(cast.pam, url_of(cast, "test", policy.id), fields_of(MARKET)))
    assert write_arguments(dict(MARKET)) in panel
    assert '<option value="deny" selected>' in panel
    kept = keep(cast, policy, at="2026-11-23T10:00:00")
    assert (kept.status_code, kept["Location"]) == (302, url_of(cast, "tests", policy.id))
    page = open_page(cast.bob, url_of(cast, "tests", policy.id))
    assert "1 of 1 passes." in page
    assert "deny by <code>/tools/createOrder/require/0</code>" in page
    with tenant(cast.organisation.id):
        (test,) = saved_tests_for(policy)
        assert test.at == datetime(2026, 11, 23, 10, tzinfo=UTC)
        assert AdminAudit.objects.filter(action="policy.test.save").count() == 1
    assert keep(cast, policy).status_code == 422
    gone = send(cast.pam, url_of(cast, "drop_test", policy.id, test.id))
    assert gone.status_code == 302
    assert "No test is saved" in open_page(cast.bob, url_of(cast, "tests", policy.id))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"tool": ""},
        {"arguments": "[]"},
        {"arguments": "{"},
        {"expected_outcome": "limit"},
        {"at": "soon"},
    ],
)
def test_what_cannot_be_kept_is_said(cast: Cast, change: dict[str, str]) -> None:
    policy = bybit_policy(cast)
    answer = keep(cast, policy, **change)
    assert answer.status_code == 422
    assert b'class="error"' in answer.content
    assert keep(cast, policy).status_code == 302


def test_saved_tests_run_against_a_draft_too(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy)
    answer = send(cast.bob, url_of(cast, "tests", policy.id), {"document": NOTHING})
    assert "1 of 1 fails" in text_of(answer)
    # From a draft one goes on with it.
    assert f'name="document" value="{NOTHING}"><button class="button">Try a call' in text_of(answer)
    assert "1 of 1 passes." in text_of(send(cast.bob, url_of(cast, "tests", policy.id), {"document": READS}))


def test_a_failing_test_stops_the_publish_and_says_which(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy, name="Prices stay open")
    answer = send(cast.pam, url_of(cast, "publish", policy.id), {"document": NOTHING, "expected": "1"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert "“Prices stay open” (getTickers): expected allow, got deny, since no rule speaks of it." in page
    assert NOTHING in page
    with tenant(cast.organisation.id):
        assert [version.number for version in versions_for(policy)] == [1]
    assert send(cast.pam, url_of(cast, "publish", policy.id), {"document": PACED, "expected": "1"}).status_code == 302


def test_an_expected_rule_must_be_what_decides(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy, expected_rule="/tools/getTickers")
    patterned = READS.replace("getTickers", "getTick*")
    body = {"document": patterned, "expected": "1"}
    answer = send(cast.pam, url_of(cast, "publish", policy.id), body)
    assert "expected allow by /tools/getTickers, got allow by /tools/getTick*." in text_of(answer)
    assert send(cast.pam, url_of(cast, "publish", policy.id), {**body, "document": PACED}).status_code == 302


def test_a_failing_test_stops_a_restore(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=NOTHING)
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": READS, "expected": "1"})
    test = add_test(cast, policy)
    answer = send(cast.pam, url_of(cast, "restore", policy.id, 1), {"expected": "2"})
    assert (answer.status_code, "It was not restored" in text_of(answer)) == (422, True)
    send(cast.pam, url_of(cast, "drop_test", policy.id, test.id))
    assert send(cast.pam, url_of(cast, "restore", policy.id, 1), {"expected": "2"}).status_code == 302


def test_another_policys_test_is_not_found(cast: Cast, server: Server) -> None:
    policy, other = make_policy(cast, server), make_policy(cast, server, name="Other")
    test = add_test(cast, other)
    assert send(cast.pam, url_of(cast, "drop_test", policy.id, test.id)).status_code == 404
    assert send(cast.pam, url_of(cast, "drop_test", other.id, test.id)).status_code == 302


def test_a_policy_is_deleted_with_its_tests(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy)
    assert send(cast.pam, url_of(cast, "delete", policy.id)).status_code == 302
    with tenant(cast.organisation.id):
        assert not PolicyTest.objects.exists()


def test_a_viewer_tries_but_does_not_keep(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    page = text_of(judge(cast, policy, {"tool": "getTickers"}))
    assert "badge-allow" in page
    assert "Keep this call" not in page
    assert "Keep this call" in text_of(
        send(cast.pam, url_of(cast, "test", policy.id), {"do": "judge", "tool": "getTickers"})
    )


@pytest.mark.parametrize(
    "schema", ['{"type": "object"}', '{"properties": []}', '{"properties": {"a": 1, "b": {"enum": [{}]}}}']
)
def test_a_tool_with_an_odd_schema_can_be_tried(cast: Cast, schema: str) -> None:
    server = make_server(cast.organisation)
    with tenant(cast.organisation.id):
        Tool.objects.update(input_schema=schema)
    policy = make_policy(cast, server)
    assert "badge-allow" in text_of(judge(cast, policy, {"tool": "getTickers"}))


def test_the_panel_and_its_list_read_few_times(cast: Cast) -> None:
    policy = bybit_policy(cast)
    keep(cast, policy)
    client = client_of(cast.bob)
    for name in ("test", "tests"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url_of(cast, name, policy.id)).status_code == 200
        # Savepoints and settings of the tenant block are no reads.
        reads = [query["sql"] for query in queries if " FROM " in query["sql"]]
        assert len(reads) <= 10, reads
