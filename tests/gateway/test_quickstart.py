"""`manage.py quickstart` on a real MCP server; the launcher's own tests run it on the simulator."""

import json
import stat
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.access import member_for, member_of, organisations_for, user_for_email
from accounts.models import AdminAudit, User
from accounts.tenancy import tenant
from accounts.tokens import hash_token
from policies.access import find_grant, grant_facts_for, grant_for
from policies.models import Policy
from policies.saved_tests import Expectation
from policies.services import delete_test, revoke_grant, save_test
from servers.access import tools_for
from servers.models import Server
from tests.accounts.pages import visitor
from tests.servers.upstreams import Toolbox, Upstream, make_tool, serve, with_bearer

pytestmark = pytest.mark.django_db
KEYS = [
    "console_url",
    "email",
    "password",
    "organisation",
    "server_id",
    "policy_id",
    "grant_id",
    "gateway_url",
    "token",
]
POLICY = '{"version": "1", "default": "deny", "tools": {"getPrice": {}}}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    settings.PUBLIC_URL = "http://localhost:8123"
    monkeypatch.setenv("POLICYLAYER_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serve(with_bearer(Toolbox(make_tool("getPrice"), make_tool("placeOrder")).app(), "right")) as running:
        yield running


@pytest.fixture
def base(folder: Path, upstream: Upstream) -> list[str]:
    return ["--server", upstream.url, "--header", "Authorization: Bearer right"]


def run(*arguments: str) -> dict[str, str]:
    out = StringIO()
    call_command("quickstart", "--json", *arguments, stdout=out)
    made: dict[str, str] = json.loads(out.getvalue())
    return made


def refusal(*arguments: str) -> str:
    out, said = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("quickstart", "--json", *arguments, stdout=out, stderr=said)
    assert ended.value.code == 1
    assert out.getvalue() == ""
    return said.getvalue().strip()


def test_it_makes_all_that_a_call_needs(base: list[str], folder: Path) -> None:
    made = run(*base, "--email", "Ada@Example.com", "--organisation", "Ada & Co", "--grant", "bot")
    assert list(made) == KEYS
    assert made["email"] == "ada@example.com"
    assert made["organisation"] == "ada-co"
    assert made["console_url"] == "http://localhost:8123/app/ada-co/"
    assert made["gateway_url"] == f"http://localhost:8123/mcp/{made['server_id']}"

    found = find_grant(hash_token(made["token"]))
    assert found is not None
    assert (str(found.grant_id), str(found.server_id)) == (made["grant_id"], made["server_id"])
    with tenant(found.organisation_id):
        facts = grant_facts_for(found.grant_id)
        assert (facts.label, str(facts.policy_id), facts.policy_version) == ("bot", made["policy_id"], 1)
        assert [tool.name for tool in tools_for(Server.objects.get())] == ["getPrice", "placeOrder"]


def test_its_person_can_sign_in_with_the_printed_password(base: list[str]) -> None:
    made = run(*base)
    answer = visitor().post("/accounts/login/", {"login": made["email"], "password": made["password"]})
    assert answer["Location"] == "/app/"


def test_repeated_it_returns_the_same_objects(base: list[str]) -> None:
    made = run(*base)
    assert run(*base) == made
    assert run() == made
    with tenant(organisations_for(person(made))[0].id):
        assert AdminAudit.objects.filter(action="grant.mint").count() == 1
        assert AdminAudit.objects.filter(action="server.edited").count() == 0


def person(made: dict[str, str]) -> User:
    user = user_for_email(made["email"])
    assert user is not None
    return user


def test_its_file_is_for_its_owner_alone(base: list[str], folder: Path) -> None:
    run(*base)
    kept = folder / "quickstart.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["quickstart.json"]


def test_a_new_label_mints_a_new_grant_and_an_old_one_does_not(base: list[str]) -> None:
    first = run(*base)
    second = run("--grant", "another")
    assert second["token"] != first["token"]
    assert {**second, "token": "", "grant_id": ""} == {**first, "token": "", "grant_id": ""}
    assert run("--grant", "quickstart") == first


def test_a_revoked_grant_is_minted_anew(base: list[str]) -> None:
    first = run(*base)
    member = member_for(person(first), first["organisation"])
    with tenant(member.organisation.id):
        revoke_grant(member=member, grant=grant_for(find(first)))
    assert run()["grant_id"] != first["grant_id"]


def find(made: dict[str, str]) -> Any:
    found = find_grant(hash_token(made["token"]))
    assert found is not None
    return found.grant_id


def test_it_publishes_the_policy_given_when_it_differs(base: list[str], tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text(POLICY, encoding="utf-8")
    first = run(*base)

    def number() -> int:
        with tenant(organisations_for(person(first))[0].id):
            return Policy.objects.get().current

    assert number() == 1
    assert run("--policy", str(document))["policy_id"] == first["policy_id"]
    assert number() == 2
    run("--policy", str(document))
    run()
    assert number() == 2


def test_another_person_gets_things_of_their_own(base: list[str]) -> None:
    first = run(*base)
    second = run(*base, "--email", "second@example.com", "--organisation", "Second")
    assert not {first[key] for key in KEYS} & {second[key] for key in KEYS}
    assert run(*base, "--email", first["email"], "--organisation", "Quick start") == first


def test_what_one_organisation_was_given_is_no_default_of_another(base: list[str]) -> None:
    first = run(*base, "--grant", "one")
    assert run("--grant", "one") == first
    assert run()["grant_id"] != first["grant_id"]
    assert "simulator" in refusal("--email", "second@example.com", "--organisation", "Second")


def test_a_policy_with_errors_is_told_by_its_places(base: list[str], tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text(POLICY.replace("{}", '{"acton": "deny"}'), encoding="utf-8")
    assert "/tools/getPrice/acton" in refusal(*base, "--policy", str(document))


def test_a_saved_test_stops_its_publication_too(base: list[str], tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text(POLICY, encoding="utf-8")
    made = run(*base)
    organisation = organisations_for(person(made))[0]
    with tenant(organisation.id):
        wanted = Expectation("Orders are held", "placeOrder", "{}", "approve")
        test = save_test(member=member_of(person(made), organisation), policy=Policy.objects.get(), wanted=wanted)
    said = refusal(*base, "--policy", str(document))
    assert "“Orders are held” (placeOrder): expected approve, got deny, since no rule speaks of it." in said
    with tenant(organisation.id):
        delete_test(member=member_of(person(made), organisation), test=test)
    run(*base, "--policy", str(document))


def test_a_server_that_cannot_be_reached_is_told_and_tried_again(folder: Path, upstream: Upstream) -> None:
    said = refusal("--server", upstream.url, "--header", "Authorization: Bearer wrong")
    assert said.startswith("The tools of localhost could not be read")
    assert "wrong" not in said
    assert run("--server", upstream.url, "--header", "Authorization: Bearer right")["token"].startswith("plg_")


def test_an_account_that_it_did_not_make_is_left_alone(base: list[str]) -> None:
    User.objects.create_verified_user("mine@example.com", "a long enough password")
    assert "give another --email" in refusal(*base, "--email", "mine@example.com")
    assert User.objects.get().check_password("a long enough password")


@pytest.mark.parametrize(("name", "said"), [("Admin", "reserved"), ("new", "reserved")])
def test_a_reserved_name_is_refused(base: list[str], name: str, said: str) -> None:
    assert said in refusal(*base, "--organisation", name)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("server", ["ftp://localhost/", "not a url", "http://169.254.169.254/"])
def test_an_address_that_is_refused_is_told(server: str) -> None:
    assert refusal("--server", server).endswith(".")


def test_it_refuses_without_a_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLICYLAYER_DATA", raising=False)
    assert "POLICYLAYER_DATA" in refusal()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments", [["--email", "nobody"], ["--header", "no colon"], ["--policy", "/no/such/file"], ["--grant", " "]]
)
def test_a_wrong_usage_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("quickstart", *arguments)
