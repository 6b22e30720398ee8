"""Every page that a person can open, in the states that matter: a new page is one more line here."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, fill_sign_in
from tests.browser.furnish import GUARDED, NEWCOMER, PASSWORD
from tests.browser.looks import ROOT
from tests.browser.test_whole_way import type_document

CHANGED: Final = '{"version": "1", "default": "deny", "risk": {"low": {}, "medium": {"action": "require_approval"}}}'
WRONG: Final = '{"version": "1", "default": "deny", "tools": {"getTickrs": {}}, "hid": []}'
RESTRICT: Final = {"known": "bybit-exchange-trading-mcp", "tool": "createOrder", "way": "limit"}
RULE: Final = "?restrict=bybit-exchange-trading-mcp/createOrder/limit"


@dataclass(frozen=True)
class Visit:
    """`address` is the name of what answers, with POST for what is sent there; `act` is done before it is looked at.
    An answer to a form is mostly the page that the form is on; else `shows` says which.
    Key pages are looked at by every run of the tests, the others by `--all`."""

    address: str
    state: str = ""
    who: str = "owner"
    values: dict[str, str] = field(default_factory=dict)
    query: str = ""
    act: Callable[[Page, Desk], None] | None = None
    opens: str = ""
    shows: str = ""
    status: int = 200
    is_key: bool = False

    @property
    def subjects(self) -> set[str]:
        """The pages that may have this title."""
        return {self.shows or self.opens or self.address, self.address.removesuffix(" POST")}

    @property
    def title(self) -> str:
        return re.sub(r"[^\w]+", "-", f"{self.address} {self.state}").strip("-")


def press(name: str) -> Callable[[Page, Desk], None]:
    return lambda page, desk: page.get_by_role("button", name=name, exact=True).first.click()


def show_json(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    if page.viewport_size and page.viewport_size["width"] < 1000:
        page.get_by_role("button", name="JSON", exact=True).click()


def editor_is_ready(page: Page, desk: Desk) -> None:
    expect(page.locator(".cm-content")).to_be_visible(timeout=30_000)


def builder_is_ready(page: Page, desk: Desk) -> None:
    expect(page.locator(".tools-row").first).to_be_visible(timeout=30_000)


def create_nameless(page: Page, desk: Desk) -> None:
    page.get_by_label("Name", exact=True).fill("")
    press("Publish version 1")(page, desk)


def open_rule(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    page.get_by_label("Filter the tools").fill("createOrder")
    page.locator('[data-tool="createOrder"]').get_by_role("radio", name="Custom", exact=True).click()
    expect(page.locator(".rule").first).to_be_visible()


def type_wrong(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    type_document(page, WRONG)
    expect(page.locator("#problems")).to_contain_text("hid")


def publish_wrong(page: Page, desk: Desk) -> None:
    type_wrong(page, desk)
    press("Publish version 3")(page, desk)
    expect(page.get_by_role("alert").first).to_be_visible()


def publish_late(page: Page, desk: Desk) -> None:
    # As it is when the editor was opened on version 1.
    builder_is_ready(page, desk)
    type_document(page, CHANGED)
    page.evaluate("document.querySelector('[name=expected]').value = '1'")
    press("Publish version 3")(page, desk)
    expect(page.locator("main")).to_contain_text("You published version 2 in another window.")


def restore_late(page: Page, desk: Desk) -> None:
    page.evaluate("document.querySelector('[name=expected]').value = '1'")
    page.once("dialog", lambda dialog: dialog.accept())
    press("Restore as version 3")(page, desk)
    expect(page.locator("main")).to_contain_text("You published version 2 in another window.")


def review(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    type_document(page, CHANGED)
    press("Review changes")(page, desk)
    expect(page.get_by_role("heading", level=1)).to_have_text("Review changes")


def try_draft(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    type_document(page, CHANGED)
    press("Try a call")(page, desk)
    expect(page.get_by_role("heading", level=1)).to_have_text("Try a call")


def run_tests_of_draft(page: Page, desk: Desk) -> None:
    try_draft(page, desk)
    press("Run the saved tests")(page, desk)
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved tests")


def try_call(page: Page, desk: Desk) -> None:
    page.get_by_label("side").first.select_option("Sell")
    press("Try it")(page, desk)
    expect(page.get_by_text("What the agent reads")).to_be_visible()


def keep_nameless(page: Page, desk: Desk) -> None:
    try_call(page, desk)
    page.get_by_text("Keep this call as a saved test").click()
    press("Keep the test")(page, desk)
    expect(page.locator("main")).to_contain_text("The test was not kept")


def mint(page: Page, desk: Desk) -> None:
    page.get_by_label("Label").fill("Watcher")
    page.get_by_label("Policy").select_option(label="Watch and trade a little (version 2)")
    press("Mint grant")(page, desk)
    expect(page.locator("#waiting-head")).to_be_visible()


def rotate(page: Page, desk: Desk) -> None:
    press("Rotate")(page, desk)
    expect(page.locator("#new-token")).to_be_visible()
    # So that the next visit finds it as this one did.
    token = page.locator("#new-token").inner_text()
    assert token.startswith("plg_")


def mint_key(page: Page, desk: Desk) -> None:
    page.get_by_label("Label").fill("Backups")
    press("Mint key")(page, desk)
    expect(page.locator("#new-key")).to_be_visible()


def check_server(page: Page, desk: Desk) -> None:
    press("Test the connection")(page, desk)
    expect(page.locator("main")).to_contain_text("The connection does not work")


def add_badly(page: Page, desk: Desk) -> None:
    form = page.locator("section[aria-labelledby=by-url]")
    form.get_by_label("Address").fill("not an address")
    form.get_by_role("button", name="Add the server").click()


def name_badly(page: Page, desk: Desk) -> None:
    page.locator("section[aria-labelledby=edit]").get_by_label("Name", exact=True).fill("")
    press("Save")(page, desk)


def rename_to_nothing(page: Page, desk: Desk) -> None:
    page.get_by_role("textbox", name="Name").fill("")
    press("Save")(page, desk)


def sign_in_badly(page: Page, desk: Desk) -> None:
    page.get_by_label("Email").fill("nobody@example.com")
    press("Sign in")(page, desk)


def forget_session(page: Page, desk: Desk) -> None:
    page.evaluate("document.querySelectorAll('main [name=csrfmiddlewaretoken]').forEach((each) => each.value = 'x')")
    press("Create organisation")(page, desk)


def fail(page: Page, desk: Desk) -> None:
    # Nothing is meant to answer 500, so the page is put where one would be.
    address = f"{desk.url}/broken/"
    page.route(address, lambda route: route.fulfill(body=render_to_string("500.html"), content_type="text/html"))
    page.goto(address)


def sign_up(page: Page, desk: Desk) -> None:
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press("Sign up")(page, desk)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your email address")


def confirm(page: Page, desk: Desk) -> None:
    follow_mail(page, desk, "confirm-email")


def ask_for_password(page: Page, desk: Desk) -> None:
    page.get_by_label("Email").fill(NEWCOMER)
    page.locator("main button").click()
    expect(page).to_have_url(re.compile("/done/"))


def follow_reset(page: Page, desk: Desk) -> None:
    follow_mail(page, desk, "password.reset")


def follow_mail(page: Page, desk: Desk, words: str) -> None:
    page.goto(f"{desk.url}/outbox/")
    page.get_by_role("article").get_by_role("link", name=re.compile(words)).first.click()


def prove_again(page: Page, desk: Desk) -> None:
    # Only somebody who signed in a while ago is asked.
    if "reauthenticate" in page.url:
        page.goto(page.url.replace("/2fa/", "/"))
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        press("Confirm")(page, desk)
    expect(page).not_to_have_url(re.compile("reauthenticate"))


def download_codes(page: Page, desk: Desk) -> None:
    prove_again(page, desk)
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").click()
    assert begun.value.suggested_filename == "recovery-codes.txt"


def be_asked_for_code(page: Page, desk: Desk) -> None:
    fill_sign_in(page, GUARDED)
    expect(page).to_have_url(re.compile("/2fa/authenticate/"))


def open_palette(page: Page, desk: Desk) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


def complete(page: Page, desk: Desk) -> None:
    builder_is_ready(page, desk)
    type_document(page, '{"version": "1", "default": "deny", "ri')
    page.keyboard.press("Control+Space")
    expect(page.locator(".cm-tooltip-autocomplete")).to_be_visible()


def publish(page: Page, desk: Desk) -> None:
    editor_is_ready(page, desk)
    type_document(page, CHANGED)
    page.get_by_role("button", name=re.compile(r"^Publish version \d+$")).click()
    expect(page.locator(".messages")).to_be_visible()


ATTACKS: Final = sorted(path.stem for path in (ROOT / "catalog" / "data" / "attacks").glob("*.toml"))[::4]
DOCUMENTS: Final = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
# Addresses of allauth that lead to another page, and whose: nobody is without a password, and codes come by no mail.
ELSEWHERE: Final = {
    "account_set_password": ("owner", "account_change_password"),
    "account_confirm_login_code": ("visitor", "account_login"),
}
# Not a page but a file, which the visit of the recovery codes downloads.
FILE: Final = "mfa_download_recovery_codes"
VISITS: Final = (
    Visit("catalog:home", who="visitor", is_key=True),
    Visit("catalog:home", "member"),
    Visit("catalog:index", who="visitor"),
    Visit("catalog:index", "found", who="visitor", query="?q=cancle+ordr"),
    Visit("catalog:index", "nothing found", who="visitor", query="?q=zzzzqqqq"),
    Visit("catalog:server", who="visitor"),
    Visit("catalog:server", "filtered", who="visitor", query="?level=critical&category=destructive"),
    Visit("catalog:server", "nothing found", who="visitor", query="?q=zzzzqqqq"),
    Visit("catalog:changes", who="visitor", values={"server": "releases"}),
    Visit("catalog:tool", who="visitor", is_key=True),
    Visit("catalog:tool", "destructive", who="visitor", values={"tool": "wsBatchCancelOrders"}),
    Visit("catalog:attacks", who="visitor"),
    *(Visit("catalog:attack", slug, who="visitor", values={"attack": slug}) for slug in ATTACKS),
    Visit("catalog:documents", who="visitor"),
    *(Visit("catalog:document", slug, who="visitor", values={"document": slug}) for slug in DOCUMENTS),
    Visit("catalog:privacy", who="visitor"),
    Visit("catalog:terms", who="visitor"),
    Visit("accounts:contact", who="visitor"),
    Visit("accounts:contact POST", "refused", who="visitor", act=press("Send message"), status=422),
    Visit("accounts:contact_sent", who="visitor"),
    Visit("accounts:contact_messages", who="host"),
    Visit("accounts:contact_messages", "empty", who="host", query="?q=zzzzqqqq"),
    Visit("accounts:contact_message", who="host"),
    Visit("accounts:operator_organisations", who="host"),
    Visit("accounts:operator_organisations", "empty", who="host", query="?q=zzzzqqqq"),
    Visit("accounts:operator_health", who="host"),
    Visit("account_signup", who="visitor"),
    Visit("account_login", who="visitor"),
    Visit("account_login POST", "refused", who="visitor", act=sign_in_badly),
    Visit("/nowhere/", "not found", who="visitor", status=404),
    Visit("/nowhere/", "not found for a member", status=404),
    Visit("/broken/", "fault", who="visitor", act=fail, opens="catalog:home"),
    Visit("accounts:outbox", who="visitor"),
    Visit("account_email_verification_sent", who="visitor", opens="account_signup", act=sign_up),
    Visit("account_confirm_email", who="visitor", opens="accounts:outbox", act=confirm),
    Visit("account_confirm_email", "worn out", who="visitor", values={"key": "worn-out"}),
    Visit("account_inactive", who="visitor"),
    Visit("account_reset_password", who="visitor"),
    Visit("account_reset_password_done", who="visitor", opens="account_reset_password", act=ask_for_password),
    Visit("account_reset_password_from_key", who="visitor", opens="accounts:outbox", act=follow_reset),
    Visit("account_reset_password_from_key", "worn out", who="visitor", values={"key": "worn-out", "uidb36": "0"}),
    Visit("account_reset_password_from_key_done", who="visitor"),
    Visit("account_email"),
    Visit("account_change_password"),
    Visit("account_logout"),
    Visit("account_reauthenticate", who="secured"),
    Visit("mfa_index", "off", who="secured"),
    Visit("mfa_activate_totp", who="secured", act=prove_again),
    Visit("mfa_authenticate", who="passer-by", opens="account_login", act=be_asked_for_code),
    Visit("mfa_index", "on", who="guarded"),
    Visit("mfa_view_recovery_codes", who="guarded", act=download_codes),
    Visit("mfa_generate_recovery_codes", who="guarded", act=prove_again),
    Visit("mfa_deactivate_totp", who="guarded", act=prove_again),
    Visit("mfa_reauthenticate", who="guarded"),
    Visit("accounts:create_organisation", "first", who="newcomer"),
    Visit(
        "accounts:create_organisation POST", "nameless", who="newcomer", act=press("Create organisation"), status=422
    ),
    Visit("/form-expired/", "csrf", opens="accounts:create_organisation", act=forget_session, status=403),
    Visit("gateway:start", "empty", values={"organisation": "empty"}),
    Visit("gateway:start", "stopped", values={"organisation": "stopped"}),
    Visit("gateway:start", "full", is_key=True),
    Visit("gateway:start", "palette", act=open_palette),
    Visit("gateway:start", "viewer", who="viewer"),
    Visit("accounts:settings"),
    Visit("accounts:settings", "viewer", who="viewer"),
    Visit("accounts:settings POST", "nameless", act=rename_to_nothing, status=422),
    Visit("accounts:members"),
    Visit("accounts:members", "viewer", who="viewer"),
    Visit("accounts:audit"),
    Visit("accounts:audit", "forbidden", who="viewer", status=403),
    Visit("accounts:api_keys"),
    Visit("accounts:api_keys", "empty", values={"organisation": "empty"}),
    Visit("accounts:api_keys POST", "nameless", act=press("Mint key"), status=422),
    Visit("accounts:api_keys POST", "minted", act=mint_key),
    Visit("servers:list"),
    Visit("servers:list", "empty", values={"organisation": "empty"}),
    Visit("servers:create"),
    Visit("servers:create POST", "refused", act=add_badly, status=422),
    Visit("servers:tools", "full"),
    Visit("servers:tools", "one shown", query="?tool=createOrder&q=order"),
    Visit("servers:tools", "changed", values={"server": "drifting"}),
    Visit("servers:tools", "failed", values={"server": "broken"}),
    Visit("servers:tools", "viewer", who="viewer", query="?q=order"),
    Visit("servers:settings"),
    Visit("servers:settings", "checked", values={"server": "broken"}, act=check_server),
    Visit("servers:settings POST", "refused", values={"server": "drifting"}, act=name_badly, status=422),
    Visit("policies:restrict", "stranger", who="visitor", values=RESTRICT),
    Visit("policies:restrict_in", "choice", query=RULE),
    Visit("policies:restrict_in", "viewer", who="viewer", query=RULE),
    Visit("policies:restrict_in", "no server", values={"organisation": "empty"}, query=RULE),
    Visit("servers:create", "restricting", query=RULE),
    Visit("policies:create", "restricting", query=RULE, act=builder_is_ready),
    Visit("policies:detail", "restricting", query=RULE, act=builder_is_ready),
    Visit("policies:list"),
    Visit("policies:list", "empty", values={"server": "drifting"}),
    Visit("policies:create", act=builder_is_ready),
    Visit("policies:create", "started", query="?start=cautious", act=builder_is_ready),
    Visit("policies:create POST", "nameless", act=create_nameless, status=422),
    Visit("policies:detail", "builder", act=builder_is_ready),
    Visit("policies:detail", "rule", act=open_rule, is_key=True),
    Visit("policies:detail", "JSON with errors", act=type_wrong),
    Visit("policies:detail", "completion", act=complete),
    Visit("policies:detail", "never published", values={"policy": "draft"}, act=editor_is_ready),
    Visit("policies:detail", "viewer", who="viewer", act=builder_is_ready),
    Visit("policies:publish POST", "published", opens="policies:detail", values={"policy": "fresh"}, act=publish),
    Visit("policies:publish POST", "refused", opens="policies:detail", act=publish_wrong, status=422),
    Visit("policies:publish POST", "conflict", opens="policies:detail", act=publish_late, status=409),
    Visit("policies:review POST", "changes", opens="policies:detail", act=review, is_key=True),
    Visit("policies:review POST", "failing test", opens="policies:detail", values={"policy": "blocked"}, act=review),
    Visit("policies:compare", query="?before=1&after=2"),
    Visit("policies:version", "in force", values={"number": "2"}),
    Visit("policies:version", "old"),
    Visit("policies:restore POST", "conflict", opens="policies:version", act=restore_late, status=409),
    Visit("policies:test"),
    Visit("policies:test POST", "after a run", opens="policies:test", query="?tool=createOrder", act=try_call),
    Visit("policies:test POST", "of a draft", opens="policies:detail", act=try_draft),
    Visit(
        "policies:keep_test POST",
        "nameless",
        opens="policies:test",
        shows="policies:tests",
        query="?tool=createOrder",
        act=keep_nameless,
        status=422,
    ),
    Visit("policies:tests"),
    Visit("policies:tests", "failing", values={"policy": "blocked"}),
    Visit("policies:tests", "empty", values={"policy": "draft"}),
    Visit("policies:tests POST", "of a draft", opens="policies:detail", shows="policies:tests", act=run_tests_of_draft),
    Visit("policies:grants"),
    Visit("policies:grants", "empty", values={"server": "drifting"}),
    Visit("policies:grants", "viewer", who="viewer"),
    Visit("policies:mint POST", "nameless", opens="policies:grants", act=press("Mint grant"), status=422),
    Visit("policies:mint POST", "minted", opens="policies:grants", act=mint, is_key=True),
    Visit("policies:grant"),
    Visit("policies:grant", "expired", values={"grant": "expired"}),
    Visit("policies:grant", "revoked", values={"grant": "revoked"}),
    Visit("policies:grant", "rotated", values={"grant": "rotated"}),
    Visit("policies:rotate POST", "minted", opens="policies:grant", shows="policies:mint", act=rotate),
    Visit("policies:grant_tools"),
    Visit("policies:grant_tools", "revoked", values={"grant": "revoked"}, query="?q=order"),
    Visit("gateway:waiting", "called", query="?grant={grant}"),
    Visit("gateway:waiting", "nothing yet", values={"server": "drifting"}),
    Visit("gateway:log", "full"),
    Visit("gateway:log", "empty", values={"server": "drifting"}),
    Visit("gateway:log", "nothing found", query="?tool=zzz"),
    Visit("gateway:decision", "refused", is_key=True),
)
