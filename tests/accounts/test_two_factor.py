import base64
import hmac
import re
import struct
import time

import pytest

from accounts.models import User
from tests.accounts.pages import PASSWORD, new_email, text_of, visitor
from tests.accounts.test_signing_up import assert_our_look

pytestmark = pytest.mark.usefixtures("outbox")


def code_of(secret: str) -> str:
    # RFC 6238 with SHA-1, 30 seconds, 6 digits.
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


def test_a_second_factor_is_set_up_and_then_asked_for() -> None:
    client, email = visitor(), new_email()
    User.objects.create_verified_user(email, PASSWORD)
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})

    asked = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert_our_look(asked)
    form = client.post(asked.redirect_chain[-1][0], {"password": PASSWORD}, follow=True)
    assert_our_look(form)
    page = form.content.decode()
    assert 'src="data:image/svg' in page
    found = re.search(r'data-copy="([A-Z2-7]+)"', page)
    assert found is not None
    done = client.post("/accounts/2fa/totp/activate/", {"code": code_of(found[1])}, follow=True)
    assert_our_look(done)
    assert "Recovery codes" in text_of(done)
    assert_our_look(client.get("/accounts/2fa/"))

    elsewhere = visitor()
    challenge = elsewhere.post("/accounts/login/", {"login": email, "password": PASSWORD}, follow=True)
    assert challenge.redirect_chain[-1][0] == "/accounts/2fa/authenticate/"
    assert_our_look(challenge)
    assert elsewhere.get("/app/")["Location"].startswith("/accounts/login/")
    wrong = elsewhere.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code." in text_of(wrong)
