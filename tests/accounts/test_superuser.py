from io import StringIO

import pytest
from django.core.management import call_command

from accounts.access import user_for_email
from tests.accounts.pages import PASSWORD, new_email, visitor


@pytest.mark.django_db
def test_the_host_is_made_by_command_and_can_sign_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    email = new_email()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email=email.upper(), interactive=False, stdout=StringIO())
    host = user_for_email(email)
    assert host is not None
    assert host.is_superuser
    answer = visitor().post("/accounts/login/", {"login": email, "password": PASSWORD})
    assert answer["Location"] == "/app/"


@pytest.mark.django_db
def test_a_superuser_is_no_member_of_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    email, client = new_email(), visitor()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email=email, interactive=False, stdout=StringIO())
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    assert client.get("/app/")["Location"] == "/app/new/"
