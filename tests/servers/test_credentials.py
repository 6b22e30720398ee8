"""Stored request headers: sealed for one place, opened nowhere else, resealed with a new key, shown to nobody."""

from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.tenancy import tenant
from servers.access import target_for
from servers.credentials import Place, SealBrokenError, Sealed, newest_key_version, open_sealed, seal
from servers.models import Server, ServerHeader
from servers.upstream.target import TargetUnavailableError
from tests.servers.conftest import Registrar

URL = "http://127.0.0.1:9/mcp"
SECRET = "Bearer s3cret-token-value"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def server(registrar: Registrar) -> Server:
    return registrar.register(URL, headers=(("Authorization", SECRET), ("X-Key", "other")))


def test_a_sealed_value_opens_in_its_place_and_in_no_other() -> None:
    place = Place(uuid4(), uuid4(), "Authorization")
    sealed = seal(SECRET, place)
    assert open_sealed(sealed, place) == SECRET
    for other in (
        Place(uuid4(), place.server_id, place.header),
        Place(place.organisation_id, uuid4(), place.header),
        Place(place.organisation_id, place.server_id, "X-Key"),
        Place(place.server_id, place.organisation_id, place.header),
    ):
        with pytest.raises(SealBrokenError):
            open_sealed(sealed, other)


def test_every_altered_bit_is_noticed() -> None:
    place = Place(uuid4(), uuid4(), "Authorization")
    sealed = seal("x", place)
    for index in range(len(sealed.data)):
        altered = bytearray(sealed.data)
        altered[index] ^= 1
        with pytest.raises(SealBrokenError):
            open_sealed(Sealed(bytes(altered), sealed.key_version), place)
    for length in range(len(sealed.data)):
        with pytest.raises(SealBrokenError):
            open_sealed(Sealed(sealed.data[:length], sealed.key_version), place)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    place = Place(uuid4(), uuid4(), "Authorization")
    assert len({seal(SECRET, place).data for _ in range(50)}) == 50


def test_the_newest_key_seals_and_every_key_opens(settings: Any) -> None:
    place = Place(uuid4(), uuid4(), "Authorization")
    settings.ENCRYPTION_KEYS = {1: OLD}
    old = seal(SECRET, place)
    settings.ENCRYPTION_KEYS = {1: OLD, 2: NEW}
    assert (old.key_version, seal(SECRET, place).key_version, open_sealed(old, place)) == (1, 2, SECRET)
    settings.ENCRYPTION_KEYS = {2: NEW}
    with pytest.raises(SealBrokenError, match="version 1 is not in ENCRYPTION_KEYS"):
        open_sealed(old, place)


def test_the_target_holds_opened_headers_and_does_not_show_them(server: Server) -> None:
    with tenant(server.organisation_id):
        target = target_for(server)
    assert dict(target.headers) == {"Authorization": SECRET, "X-Key": "other"}
    assert SECRET not in repr(target) and "s3cret" not in str(target)


def test_a_ciphertext_moved_to_another_row_does_not_open(server: Server) -> None:
    with tenant(server.organisation_id):
        first, second = server.headers.order_by("name")
        second.sealed = first.sealed
        second.save()
        with pytest.raises(TargetUnavailableError) as caught:
            target_for(server)
    assert "enter it again" in str(caught.value) and "s3cret" not in str(caught.value)


def test_nothing_of_a_secret_is_in_the_database(server: Server) -> None:
    with tenant(server.organisation_id):
        rows = [bytes(header.sealed) for header in ServerHeader.objects.all()]
    assert len(rows) == 2 and not any(b"s3cret" in row for row in rows)


def test_no_page_shows_a_stored_value_again(server: Server, alice: Client) -> None:
    for page in ("tools", "settings"):
        body = alice.get(f"/app/acme/servers/{server.id}/{page}/").content.decode()
        assert "s3cret" not in body
    assert "Authorization" in body


def test_rotate_keys_reseals_every_header_once(server: Server, settings: Any) -> None:
    before = settings.ENCRYPTION_KEYS
    newest = newest_key_version() + 1
    settings.ENCRYPTION_KEYS = {**before, newest: NEW}
    assert rotate() == f"2 sealed anew with key version {newest}.\n"
    assert rotate() == f"0 sealed anew with key version {newest}.\n"
    settings.ENCRYPTION_KEYS = {newest: NEW}
    with tenant(server.organisation_id):
        assert dict(target_for(server).headers)["Authorization"] == SECRET


def test_rotate_keys_tells_what_did_not_open_and_goes_on(server: Server, settings: Any) -> None:
    with tenant(server.organisation_id):
        header = server.headers.get(name="Authorization")
        header.sealed = bytes(40)
        header.save()
    newest = newest_key_version() + 1
    settings.ENCRYPTION_KEYS = {**settings.ENCRYPTION_KEYS, newest: NEW}
    with pytest.raises(CommandError, match="1 did not open") as caught:
        rotate()
    assert str(server.id) in str(caught.value)
    with tenant(server.organisation_id):
        assert server.headers.get(name="X-Key").key_version == newest


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()
