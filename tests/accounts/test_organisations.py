import pytest

from accounts.access import organisations_for
from accounts.models import AdminAudit, Organisation, User
from accounts.tenancy import tenant
from servers.models import Server
from tests.accounts.pages import text_of
from tests.conftest import Cast, client_of, make_organisation


def epoch_of(organisation: Organisation) -> tuple[int, bool]:
    with tenant(organisation.id):
        found = Organisation.objects.get()
    return found.epoch, found.is_killed


def test_a_person_may_create_another_organisation(cast: Cast) -> None:
    answer = client_of(cast.bob).post("/app/new/", {"name": "  Bob's own  "})
    assert answer["Location"] == "/app/bobs-own/"
    assert [found.slug for found in organisations_for(cast.bob)] == ["acme", "bobs-own"]


def test_its_creation_is_in_its_audit(cast: Cast) -> None:
    client_of(cast.bob).post("/app/new/", {"name": "Third"})
    third = next(found for found in organisations_for(cast.bob) if found.slug == "third")
    with tenant(third.id):
        assert [(row.actor, row.action) for row in AdminAudit.objects.all()] == [
            ("bob@example.com", "organisation.create")
        ]


def test_a_taken_slug_gets_a_suffix(cast: Cast) -> None:
    answer = client_of(cast.bob).post("/app/new/", {"name": "Other"})
    assert answer["Location"].startswith("/app/other-")
    assert len(answer["Location"]) == len("/app/other-xxxx/")
    assert client_of(cast.bob).get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Treasury operations, derivatives and liquidity desk", "treasury-operations-derivatives-and"),
        ("Treasury operations of the derivative ok no", "treasury-operations-of-the-derivative-ok"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_long_name_s_address_ends_with_a_word_where_it_can(cast: Cast, name: str, slug: str) -> None:
    assert client_of(cast.bob).post("/app/new/", {"name": name})["Location"] == f"/app/{slug}/"


def test_a_name_without_letters_of_an_address_works(cast: Cast) -> None:
    answer = client_of(cast.bob).post("/app/new/", {"name": "株式会社"})
    assert answer["Location"].startswith("/app/org-")


@pytest.mark.parametrize("name", ["new", "Admin", "API", "www", "MCP!"])
def test_a_reserved_name_is_refused_at_its_field(cast: Cast, name: str) -> None:
    answer = client_of(cast.bob).post("/app/new/", {"name": name})
    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert "This name is reserved" in text_of(answer)
    assert len(organisations_for(cast.bob)) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b"])
def test_a_useless_name_is_refused(cast: Cast, name: str) -> None:
    assert client_of(cast.bob).post("/app/new/", {"name": name}).status_code == 422


def test_the_console_opens_the_last_organisation(cast: Cast) -> None:
    client = client_of(cast.bob)
    client.post("/app/new/", {"name": "Third"})
    assert client.get("/app/")["Location"] == "/app/third/"
    client.get("/app/acme/")
    assert client.get("/app/")["Location"] == "/app/acme/"


def test_a_lost_last_organisation_falls_back_to_another(cast: Cast) -> None:
    User.objects.filter(id=cast.bob.id).update(last_organisation=make_organisation("Gone").id)
    assert client_of(cast.bob).get("/app/")["Location"] == "/app/acme/"


def test_the_switcher_lists_only_ones_own(cast: Cast) -> None:
    page = text_of(client_of(cast.bob).get("/app/acme/"))
    assert 'href="/app/acme/"' in page
    assert "/app/other/" not in page


@pytest.mark.parametrize("who", ["alice", "pam"])
def test_one_press_stops_every_agent_and_one_resumes_them(cast: Cast, who: str) -> None:
    client, (before, _) = client_of(getattr(cast, who)), epoch_of(cast.organisation)
    assert "Stop every agent" not in text_of(client.get("/app/acme/"))
    with tenant(cast.organisation.id):
        Server.objects.create(organisation=cast.organisation, name="Desk", kind="http")
    assert "Stop every agent" in text_of(client.get("/app/acme/"))
    client.post("/app/acme/stop/", {"reason": "  orders\nout of hand  "})
    assert epoch_of(cast.organisation) == (before + 1, True)
    for page in ("/app/acme/", "/app/acme/servers/", "/app/acme/members/"):
        shown = text_of(client.get(page))
        assert "Every agent of Acme is stopped" in shown
        assert f"Stopped by {who}@example.com on" in shown and "Reason: orders out of hand" in shown
        assert 'action="/app/acme/resume/"' in shown and 'action="/app/acme/stop/"' not in shown
    client.post("/app/acme/stop/")
    assert epoch_of(cast.organisation) == (before + 1, True)
    assert "Reason: orders out of hand" in text_of(client.get("/app/acme/"))
    client.post("/app/acme/resume/")
    assert epoch_of(cast.organisation) == (before + 2, False)
    assert "is stopped" not in text_of(client.get("/app/acme/members/"))
    with tenant(cast.organisation.id):
        found = [(row.action, row.actor, row.detail) for row in AdminAudit.objects.all()]
    by = f"{who}@example.com"
    assert found == [("organisation.resume", by, {}), ("organisation.stop", by, {"reason": "orders out of hand"})]


def test_no_reason_is_too_odd_to_stop(cast: Cast) -> None:
    client_of(cast.alice).post("/app/acme/stop/", {"reason": "a\x00b" + "x" * 900})
    with tenant(cast.organisation.id):
        found = Organisation.objects.get()
    assert (found.is_killed, found.kill_reason) == (True, "a b" + "x" * 197)


def test_a_viewer_sees_that_agents_are_stopped_and_no_button(cast: Cast) -> None:
    refused = client_of(cast.bob).post("/app/acme/stop/")
    assert refused.status_code == 403
    assert "Only an admin or policy manager of this organisation can do this. Nothing was changed." in text_of(refused)
    assert 'action="/app/acme/stop/"' not in text_of(client_of(cast.bob).get("/app/acme/"))
    client_of(cast.alice).post("/app/acme/stop/")
    page = text_of(client_of(cast.bob).get("/app/acme/"))
    assert "Every agent of Acme is stopped" in page
    assert 'action="/app/acme/resume/"' not in page
    assert client_of(cast.bob).post("/app/acme/resume/").status_code == 403


def test_a_polling_page_whose_session_ended_is_told_to_reload(cast: Cast) -> None:
    answer = client_of(None).get("/app/acme/", HTTP_HX_REQUEST="true")
    assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://testserver/app/acme/policies/x/?level=high", "/app/acme/policies/x/%3Flevel%3Dhigh"),
        ("http://evil.example/app/acme/", "/app/"),
        ("", "/app/"),
    ],
)
def test_a_form_whose_session_ended_leads_back_to_its_page(cast: Cast, page: str, back: str) -> None:
    answer = client_of(None).post("/app/acme/stop/", headers={"referer": page})
    assert answer["Location"] == f"/accounts/login/?next={back}"


def test_an_admin_renames_it_and_its_address_stays(cast: Cast) -> None:
    answer = client_of(cast.alice).post("/app/acme/settings/", {"name": " Acme Treasury "}, follow=True)
    assert answer.redirect_chain == [("/app/acme/settings/", 302)]
    assert "The organisation is called Acme Treasury now." in text_of(answer)
    with tenant(cast.organisation.id):
        assert Organisation.objects.get().name == "Acme Treasury"
        row = AdminAudit.objects.get()
    assert (row.actor, row.action, row.target) == ("alice@example.com", "organisation.rename", "Acme Treasury")
    assert row.detail == {"from": cast.organisation.name, "to": "Acme Treasury"}
    client_of(cast.alice).post("/app/acme/settings/", {"name": "Acme Treasury"})
    with tenant(cast.organisation.id):
        assert AdminAudit.objects.count() == 1


@pytest.mark.parametrize(("name", "reason"), [("", "Name the organisation."), ("Admin", "This name is reserved")])
def test_it_keeps_its_name_when_the_new_one_is_refused(cast: Cast, name: str, reason: str) -> None:
    answer = client_of(cast.alice).post("/app/acme/settings/", {"name": name})
    assert answer.status_code == 422
    assert reason in text_of(answer)
    with tenant(cast.organisation.id):
        assert Organisation.objects.get().name == cast.organisation.name
        assert not AdminAudit.objects.exists()


def test_every_member_sees_the_settings_and_an_admin_the_rest_of_them(cast: Cast) -> None:
    shown = {who: client_of(getattr(cast, who)).get("/app/acme/settings/").content.decode() for who in ("bob", "alice")}
    for path, is_for_all in (("members", True), ("keys", False), ("audit", False)):
        link = f'href="/app/acme/{path}/"'
        assert link in shown["alice"]
        assert (link in shown["bob"]) == is_for_all
    save, alone = '<button class="button button-primary">Save</button>', "Only an admin can rename this organisation."
    assert save in shown["alice"] and alone not in shown["alice"]
    assert save not in shown["bob"] and alone in shown["bob"]
    # The pages that it gathers say where they are.
    page = client_of(cast.alice).get("/app/acme/members/").content.decode()
    assert 'href="/app/acme/settings/" aria-current="true"' in page
    assert 'href="/app/acme/members/" aria-current="page"' in page
