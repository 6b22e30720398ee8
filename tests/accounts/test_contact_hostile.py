"""What no person sends: refused with a page that says so, nothing stored, and nothing of it run."""

import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import pytest

from accounts.contact.form_token import make_token
from tests.accounts.contact import filled, sender, stored

URLENCODED: Final = "application/x-www-form-urlencoded"
BOUNDARY: Final = "b0undary"
MULTIPART: Final = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Case:
    """One request: fields in place of the person's, or a body of its own."""

    name: str
    status: int = 422
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = URLENCODED


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def whole(**changes: bytes) -> bytes:
    """The person's form as multipart/form-data, with these fields changed and the end left off."""
    fields = {name: text.encode() for name, text in filled().items()} | changes
    return b"".join(part(name, value) for name, value in fields.items())


END: Final = f"--{BOUNDARY}--\r\n".encode()
CONTROLS: Final = [*range(0x20), *range(0x7F, 0xA0)]
MOVING: Final = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029]
INVISIBLE: Final = [*range(0x2061, 0x2065), 0xFFF9, 0xFFFA, 0xFFFB, 0xE0001, 0xE0020, 0xE007F, 0x1D173]
BROKEN: Final = [0xFFFD, 0xFFFE, 0xFFFF, 0xFDD0, 0xFDEF, 0x1FFFE, 0x10FFFF, 0xE000, 0xF8FF, 0xF0000]
ONLY_IN_NAMES: Final = [0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]

INJECTIONS: Final = [
    "Eve\r\nBcc: all@example.com",
    "Eve\nBcc: all@example.com",
    "Eve\rBcc: all@example.com",
    "Eve\r\n\r\nA body of my own",
    "Eve\r\n Content-Type: text/html",
    "Eve\x0bBcc: all@example.com",
    "Eve\x0cBcc: all@example.com",
    "Eve\x85Bcc: all@example.com",
    "Eve\u2028Bcc: all@example.com",
    "\r\nEve",
    "Eve\r\n",
    "=?utf-8?q?Eve=0D=0ABcc=3A_all=40example.com?=",
]
ADDRESSES: Final = [
    "eve@example.com\r\nBcc: all@example.com",
    "eve@example.com\nBcc: all@example.com",
    "eve@example.com\rBcc: all@example.com",
    "eve@example.com%0aBcc:all@example.com",
    "eve@example.com,all@example.com",
    "eve@example.com;all@example.com",
    "eve@example.com all@example.com",
    "<eve@example.com>",
    "Eve <eve@example.com>",
    "eve@example.com>",
    '"eve"@example.com',
    '"eve\\\r\n"@example.com',
    '"a b"@example.com',
    "eve@@example.com",
    "@example.com",
    "eve@",
    "eve",
    "eve@example",
    "eve@.com",
    "eve@example..com",
    "eve@-example.com",
    "eve@exa mple.com",
    "eve@[127.0.0.1",
    "eve@[127.0.0.1]\n",
    ".eve@example.com",
    "eve.@example.com",
    "e..ve@example.com",
    "eve\x00@example.com",
    "eve@example.com\x00",
    "eve\u202e@example.com",
    "eve\u200b@example.com",
    "évé@example.com",
    "eve@example.com\u2028x",
    "eve@" + "a" * 64 + ".com",
    "eve@" + "é" * 63 + ".com",
    "e" * 65 + "@" + "a" * 250 + ".com",
    "e" * 10_000 + "@example.com",
    "eve@" + "a." * 4000 + "com",
    "javascript:alert(1)",
    "eve@example.com?cc=all@example.com",
]
BODIES: Final = [
    Case("no body", 415, body=b""),
    Case("only separators", body=b"&&&&===&&&"),
    Case("other fields", body=b"nom=Eve&courriel=eve@example.com"),
    Case("brackets", body=b"name[]=Eve&email[]=e@example.com&message[]=x"),
    Case("numbers in brackets", body=b"name[0]=Eve&name[1]=Eve&email=e@example.com&message=x"),
    Case("a dotted name", body=b"name.first=Eve&email=e@example.com&message=x"),
    Case("a field twice", body=urlencode({**filled()}).encode() + b"&name=Another"),
    Case("a message twice", body=urlencode({**filled()}).encode() + b"&message=Another"),
    Case("a token twice", body=urlencode({**filled()}).encode() + b"&form=x"),
    Case("broken percent signs", body=b"name=%&email=%zz&message=%4"),
    Case("bytes that are no UTF-8", body=urlencode(filled()).encode() + b"%ff", fields={}),
    Case("a surrogate", body=b"name=%ED%A0%80&email=e@example.com&message=x"),
    Case("two surrogates", body=b"name=Eve&email=e@example.com&message=%ED%A0%BD%ED%B8%80"),
    Case("an overlong slash", body=b"name=%C0%AF&email=e@example.com&message=x"),
    Case("Latin-1", body="name=Zoë&email=e@example.com&message=x".encode("latin-1")),
    Case("1001 fields", 400, body=b"&".join(b"f%d=x" % number for number in range(1001))),
    Case("20,000 fields", 400, body=b"&".join(b"f=" for _ in range(20_000))),
    Case("too much at once", 413, body=b"message=" + b"x" * 300_000),
    Case("2 MB", 413, body=b"message=" + b"x" * 2_000_000),
    Case("a message of 200,000 letters", body=urlencode(filled(message="x" * 200_000)).encode()),
    Case("marks piled up", body=urlencode(filled(message="e" + "\u0301" * 20_000)).encode()),
    Case("JSON", 415, body=b'{"name": "Eve"}', content_type="application/json"),
    Case("a JSON array", 415, body=b'["Eve"]', content_type="application/json"),
    Case("XML", 415, body=b"<name>Eve</name>", content_type="application/xml"),
    Case("plain text", 415, body=b"name=Eve", content_type="text/plain"),
    Case("bytes", 415, body=b"\x00\x01", content_type="application/octet-stream"),
    Case("no type", 415, body=b"name=Eve", content_type=""),
    Case("a type that is none", 415, body=b"name=Eve", content_type="///;;;=="),
    Case("another multipart", 415, body=whole() + END, content_type=MULTIPART.replace("form-data", "mixed")),
    Case("UTF-16", 415, body=whole() + END, content_type=MULTIPART + "; charset=utf-16"),
    Case("UTF-7", 415, body=whole() + END, content_type=MULTIPART + "; charset=utf-7"),
    Case("escapes that make surrogates", 415, body=whole() + END, content_type=MULTIPART + "; charset=unicode_escape"),
    Case("a charset that is none", 415, body=urlencode(filled()).encode(), content_type=URLENCODED + "; charset=x"),
    Case("Latin-1 by its name", 415, body=urlencode(filled()).encode(), content_type=URLENCODED + "; charset=latin-1"),
    Case("no boundary", 400, body=whole() + END, content_type="multipart/form-data"),
    Case("an endless boundary", 400, body=whole() + END, content_type="multipart/form-data; boundary=" + "b" * 300),
    Case("a boundary that is none", 400, body=whole(), content_type='multipart/form-data; boundary="é"'),
    Case("the wrong boundary", body=whole() + END, content_type="multipart/form-data; boundary=another"),
    Case("a file", body=whole() + part("file", b"MZ", '; filename="a.exe"') + END, content_type=MULTIPART),
    Case("a file as the name", body=part("name", b"Eve", '; filename="a.txt"') + whole() + END, content_type=MULTIPART),
    Case("a file with a path", body=whole() + part("f", b"x", '; filename="../../a"') + END, content_type=MULTIPART),
    Case("200 kB of file", body=whole() + part("f", b"x" * 200_000, '; filename="a"') + END, content_type=MULTIPART),
    Case("101 files", body=whole() + part("f", b"x", '; filename="a"') * 101 + END, content_type=MULTIPART, status=400),
    Case("a NUL in a part", body=whole(name=b"E\x00ve") + END, content_type=MULTIPART),
    Case("raw bytes in a part", body=whole(message=b"\xff\xfe\xfd") + END, content_type=MULTIPART),
    Case("a name twice in parts", body=part("name", b"Eve") + whole() + END, content_type=MULTIPART),
]
CASES: Final = [
    *(Case(f"U+{code:04X} in the name", fields={"name": f"Eve{chr(code)}Smith"}) for code in CONTROLS if code != 0x20),
    *(
        Case(f"U+{code:04X} in the name", fields={"name": f"Eve{chr(code)}Smith"})
        for code in MOVING + INVISIBLE + BROKEN
    ),
    *(Case(f"U+{code:04X} in the name", fields={"name": f"Eve{chr(code)}Smith"}) for code in ONLY_IN_NAMES),
    *(
        Case(f"U+{code:04X} in the text", fields={"message": f"Pay{chr(code)}me"})
        for code in CONTROLS
        if code not in (9, 10)
    ),
    *(
        Case(f"U+{code:04X} in the text", fields={"message": f"Pay{chr(code)}me"})
        for code in MOVING + INVISIBLE + BROKEN
    ),
    *(Case(f"name {text!r}", fields={"name": text}) for text in INJECTIONS),
    *(Case(f"address {text[:40]!r} of {len(text)}", fields={"email": text}) for text in ADDRESSES),
    *(
        Case(f"only {text!r} in the {name}", fields={name: text})
        for name in ("name", "message")
        for text in ("\u200d", "\u0301", "\u3000")
    ),
    *BODIES,
]


def test_there_are_two_hundred_of_them() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_with_a_page_and_nothing_is_stored(case: Case) -> None:
    client = sender()
    body = urlencode(filled(**case.fields)).encode() if case.body is None else case.body
    answer = client.generic("POST", "/contact/", body, content_type=case.content_type)
    page = answer.content.decode()
    assert answer.status_code == case.status
    assert "<h1>Contact</h1>" in page and 'class="error"' in page
    assert stored() == []
    if case.fields:
        kept = [
            text for name, text in (("email", "zoe@example.com"), ("name", "Zoë Müller")) if name not in case.fields
        ]
        assert all(text in page for text in kept)
    # The same visitor, with the form that came back, is heard.
    assert client.post("/contact/", filled()).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{ 7*7 }}{% load x %}", "'; DROP TABLE x; --", "=1+1|cmd"]
)
def test_what_is_only_text_is_kept_as_text(text: str) -> None:
    client = sender()
    assert client.post("/contact/", filled(message=text, name=text)).status_code == 302
    assert [(message.name, message.text) for message in stored()] == [(text, text)]
    back = client.post("/contact/", filled(message=text, name=text, email="x", form=make_token(time.time())))
    assert "<script>alert" not in back.content.decode() and "49" not in back.context["form"]["message"].value()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_no_other_method_is_there(method: str) -> None:
    assert sender().generic(method, "/contact/").status_code == 405
