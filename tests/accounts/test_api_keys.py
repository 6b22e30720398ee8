import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.access import member_for_key
from accounts.models import AdminAudit, ApiKey, Role
from accounts.tenancy import tenant
from accounts.tokens import Prefix, is_well_formed
from tests.accounts.pages import text_of
from tests.conftest import Cast, client_of

ADDRESS = "/app/acme/keys/"


def mint(cast: Cast, **more: str) -> Any:
    data = {"label": "deploy", "role": "viewer", "expires": "", "key_id": str(uuid4()), **more}
    return client_of(cast.alice).post(ADDRESS, data)


def token_in(answer: Any) -> str:
    found = re.search(r"pla_[0-9A-Za-z]{33}", answer.content.decode())
    assert found is not None
    return found[0]


def only_key(cast: Cast) -> ApiKey:
    with tenant(cast.organisation.id):
        return ApiKey.objects.get()


def test_a_key_is_shown_once_and_works(cast: Cast) -> None:
    answer = mint(cast, role="policy_manager")
    token = token_in(answer)
    assert is_well_formed(token, Prefix.API_KEY)
    assert "no-store" in answer["Cache-Control"]
    member = member_for_key(token)
    assert member is not None
    assert (member.organisation, member.role, member.name) == (
        cast.organisation,
        Role.POLICY_MANAGER,
        "API key deploy",
    )
    later = text_of(client_of(cast.alice).get(ADDRESS))
    assert token not in later
    assert f"pla_…{token[-4:]}" in later


def test_minting_is_in_the_audit_without_the_token(cast: Cast) -> None:
    token = token_in(mint(cast))
    with tenant(cast.organisation.id):
        row = AdminAudit.objects.get()
    assert (row.action, row.target, row.actor) == ("api_key.mint", "deploy", "alice@example.com")
    assert token[4:] not in str(row.detail)


def test_a_form_sent_twice_mints_once(cast: Cast) -> None:
    key_id = str(uuid4())
    mint(cast, key_id=key_id)
    answer = mint(cast, key_id=key_id)
    assert answer.status_code == 422
    assert "has already minted its key" in text_of(answer)
    assert only_key(cast).label == "deploy"


def test_a_key_ends_after_its_last_day(cast: Cast) -> None:
    day = (timezone.now() + timedelta(days=3)).date()
    mint(cast, expires=day.isoformat())
    end = only_key(cast).expires_at
    assert end is not None
    assert (end.date(), end.time().isoformat()[:8]) == (day, "23:59:59")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("expires", "2020-01-01", "This day is past."),
        ("expires", "soon", "Enter a valid date."),
        ("role", "root", "Select a valid choice."),
        ("label", "", "Give the key a label."),
    ],
)
def test_a_bad_answer_is_told_at_its_field(cast: Cast, field: str, value: str, said: str) -> None:
    answer = mint(cast, **{field: value})
    assert answer.status_code == 422
    page = text_of(answer)
    assert f'id="id_{field}_error">{said}' in page
    assert "pla_" not in page.replace("pla_…", "")


def test_a_revoked_key_is_refused_at_once(cast: Cast) -> None:
    token = token_in(mint(cast))
    assert member_for_key(token) is not None
    client_of(cast.alice).post(f"{ADDRESS}{only_key(cast).id}/revoke/")
    assert member_for_key(token) is None
    client_of(cast.alice).post(f"{ADDRESS}{only_key(cast).id}/revoke/")
    with tenant(cast.organisation.id):
        assert [row.action for row in AdminAudit.objects.all()] == ["api_key.revoke", "api_key.mint"]


def test_an_expired_key_is_refused(cast: Cast) -> None:
    token = token_in(mint(cast))
    with tenant(cast.organisation.id):
        ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert member_for_key(token) is not None
    with tenant(cast.organisation.id):
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert member_for_key(token) is None


def test_the_last_use_is_noted_at_most_once_a_minute(cast: Cast) -> None:
    token = token_in(mint(cast))
    assert only_key(cast).last_used_at is None
    recent = timezone.now() - timedelta(seconds=30)
    with tenant(cast.organisation.id):
        ApiKey.objects.update(last_used_at=recent)
    member_for_key(token)
    assert only_key(cast).last_used_at == recent
    with tenant(cast.organisation.id):
        ApiKey.objects.update(last_used_at=datetime(2026, 1, 1, tzinfo=UTC))
    member_for_key(token)
    noted = only_key(cast).last_used_at
    assert noted is not None
    assert noted > recent


@pytest.mark.parametrize("change", ["plg_", "pla_0", "", "pla_" + "0" * 33, "pla_" + "é" * 33])
def test_a_text_that_is_no_key_is_refused(db: None, change: str) -> None:
    assert member_for_key(change) is None
