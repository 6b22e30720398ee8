import re
from typing import Any

import pytest
from django.core.mail import send_mail
from django.test import Client

from accounts.access import organisations_for, user_for_email
from accounts.models import User
from tests.accounts.pages import PASSWORD, confirm, links_of, mailed_path, new_email, sign_up, text_of, visitor
from tests.conftest import Cast, client_of

pytestmark = pytest.mark.usefixtures("outbox")


def user_named(email: str) -> User:
    user = user_for_email(email)
    assert user is not None
    return user


def test_a_person_signs_up_confirms_and_names_an_organisation() -> None:
    client, email = visitor(), new_email()
    sent = sign_up(client, email)
    assert sent.redirect_chain[-1][0] == "/accounts/confirm-email/"
    assert "/outbox/" in links_of(sent)
    assert "email sent" not in text_of(sent)

    asked = client.get(mailed_path(client, "/confirm-email/"))
    assert f"Confirm that {email} is yours." in text_of(asked).replace("</strong>", "").replace("<strong>", "")

    landed = confirm(client)
    assert landed.redirect_chain == [("/app/", 302), ("/app/new/", 302)]
    assert "Name your organisation" in text_of(landed)

    made = client.post("/app/new/", {"name": "Söhne & Co"})
    assert made["Location"] == "/app/sohne-co/"
    assert [found.name for found in organisations_for(user_named(email))] == ["Söhne & Co"]
    assert client.get("/app/")["Location"] == "/app/sohne-co/"


def test_an_unconfirmed_address_cannot_sign_in() -> None:
    client, email = visitor(), new_email()
    sign_up(client, email)
    elsewhere = visitor()
    answer = elsewhere.post("/accounts/login/", {"login": email, "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/confirm-email/"
    assert elsewhere.get("/app/")["Location"].startswith("/accounts/login/")


def test_a_confirmed_address_can_sign_in() -> None:
    client, email = visitor(), new_email()
    sign_up(client, email)
    confirm(client)
    elsewhere = visitor()
    answer = elsewhere.post("/accounts/login/", {"login": email.upper(), "password": PASSWORD})
    assert answer["Location"] == "/app/"


def test_a_link_opened_in_another_browser_confirms_but_signs_nobody_in() -> None:
    client, email = visitor(), new_email()
    sign_up(client, email)
    elsewhere = visitor()
    answer = confirm(elsewhere)
    assert answer.redirect_chain[-1][0] == "/accounts/login/"
    assert elsewhere.get("/app/")["Location"].startswith("/accounts/login/")


def test_a_taken_address_is_not_given_away(cast: Cast) -> None:
    client = visitor()
    User.objects.create_verified_user(taken := new_email(), PASSWORD)
    answer = sign_up(client, taken)
    assert answer.redirect_chain[-1][0] == "/accounts/confirm-email/"
    assert "Account Already Exists" in text_of(client.get("/outbox/"))
    assert User.objects.filter(email=taken).count() == 1


def test_what_is_missing_is_named_and_has_the_focus() -> None:
    page = text_of(visitor().post("/accounts/login/", {"login": "a@example.com", "password": ""}))
    assert 'id="id_password_error">Enter your password.</div>' in page
    assert re.findall(r'name="(\w+)"[^>]* autofocus', page) == ["password"]
    page = text_of(visitor().post("/accounts/signup/", {}))
    assert 'id="id_email_error">Enter your email address.</div>' in page
    assert re.findall(r'name="(\w+)"[^>]* autofocus', page) == ["email"]
    assert "placeholder" not in page


def test_only_what_can_be_done_with_an_address_is_offered(cast: Cast) -> None:
    client, email = visitor(), new_email()
    client.force_login(User.objects.create_verified_user(email, PASSWORD))

    def offered() -> list[str]:
        return re.findall(r'name="action_(\w+)"', text_of(client.get("/accounts/email/")))

    assert offered() == ["add"]
    second = new_email()
    added = client.post("/accounts/email/", {"action_add": "", "email": second}, follow=True)
    assert f"The message that confirms {second} is in the outbox." in text_of(added)
    assert sorted(offered()) == ["add", "remove", "send"]
    confirm(client)
    assert sorted(offered()) == ["add", "primary", "remove"]
    client.post("/accounts/email/", {"action_remove": "", "email": second})
    assert offered() == ["add"]


@pytest.mark.parametrize("password", ["short", "password1234", "12345"])
def test_a_weak_password_is_refused_at_its_field(password: str) -> None:
    client, email = visitor(), new_email()
    answer = client.post("/accounts/signup/", {"email": email, "password1": password})
    page = answer.content.decode()
    assert 'id="id_password1_error"' in page
    assert 'aria-invalid="true"' in page
    assert user_for_email(email) is None


def test_a_forgotten_password_is_set_anew_by_mail() -> None:
    client, email = visitor(), new_email()
    User.objects.create_verified_user(email, PASSWORD)
    client.post("/accounts/password/reset/", {"email": email})
    form = client.get(mailed_path(client, "/password/reset/key/"), follow=True)
    path = form.redirect_chain[-1][0]
    client.post(path, {"password1": "quite another password", "password2": "quite another password"})
    answer = visitor().post("/accounts/login/", {"login": email, "password": "quite another password"})
    assert answer["Location"] == "/app/"


def test_the_outbox_shows_mails_newest_first_and_escapes_them() -> None:
    send_mail("First <b>one</b>", "See <script>alert(1)</script> http://localhost/a?b=1&c=2", None, ["a@example.com"])
    send_mail("Second", "Nothing", None, ["b@example.com"])
    page = Client().get("/outbox/").content.decode()
    assert page.index("Second") < page.index("First &lt;b&gt;one&lt;/b&gt;")
    assert "<script>alert" not in page
    assert '<a href="http://localhost/a?b=1&amp;c=2"' in page


def test_there_is_no_outbox_outside_the_embedded_run(settings: Any) -> None:
    settings.EMBEDDED = False
    assert Client().get("/outbox/").status_code == 404


ANONYMOUS_PAGES = ("login", "signup", "password/reset", "password/reset/done", "confirm-email", "inactive")
MEMBER_PAGES = ("email", "password/change", "logout", "2fa", "reauthenticate")


@pytest.mark.parametrize("path", ANONYMOUS_PAGES)
def test_a_page_for_visitors_has_our_look_and_no_inline_code(path: str) -> None:
    assert_our_look(visitor().get(f"/accounts/{path}/"))


@pytest.mark.parametrize("path", MEMBER_PAGES)
def test_a_page_for_people_has_our_look_and_no_inline_code(cast: Cast, path: str) -> None:
    answer = client_of(cast.alice).get(f"/accounts/{path}/")
    assert_our_look(answer)
    assert "Your account" in text_of(answer) or path in ("reauthenticate", "logout")


def assert_our_look(answer: Any) -> None:
    page = answer.content.decode()
    assert answer.status_code == 200
    assert re.search('<main class="page( page-narrow)?"', page)
    assert page.count("<h1>") == 1
    assert '<div class="page-head"><h1>' in page
    assert " style=" not in page
    assert "<script>" not in page
