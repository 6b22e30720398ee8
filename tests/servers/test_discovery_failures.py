"""What discovery says when an upstream misbehaves: one clear sentence, bounded in size and time, never a secret."""

import asyncio
import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers.discovery import discover, walk_pages
from servers.upstream.exchange import Exchange, ExchangeError, clean_text
from servers.upstream.target import Target
from tests.servers.upstreams import (
    App,
    Toolbox,
    Upstream,
    answer,
    live,
    make_tool,
    modern,
    scripted,
    serve,
    with_bearer,
)

Serve = Callable[[App], Upstream]
SECRET = "s3cret-token-value"


def refusal_of(url: str) -> str:
    with pytest.raises(ExchangeError) as caught:
        discover(Target(uuid4(), url, (("Authorization", f"Bearer {SECRET}"),)))
    assert SECRET not in str(caught.value)
    return str(caught.value)


def answering(status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, kind: str = "text/html") -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        await answer(send, status, body, headers, kind=kind)

    return app


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refused the credentials (HTTP 401). Check the request headers"),
        (403, "refused the credentials (HTTP 403). Check the request headers"),
        (302, "redirect (HTTP 302). Enter the address that it leads to"),
        (308, "redirect (HTTP 308)"),
        (404, "Nothing speaks MCP over streamable HTTP at this address (HTTP 404). Check the path"),
        (405, "(HTTP 405)"),
        (429, "fewer requests (HTTP 429)"),
        (418, "refused the request (HTTP 418)"),
        (500, "The server failed (HTTP 500)"),
        (502, "The server failed (HTTP 502)"),
    ],
)
def test_it_says_what_an_http_status_asks_for(upstream: Serve, status: int, words: str) -> None:
    running = upstream(answering(status, headers={"location": "http://127.0.0.1:1/"}))
    assert words in refusal_of(running.url)


def test_it_says_that_a_web_page_is_not_mcp(upstream: Serve) -> None:
    assert "not MCP" in refusal_of(upstream(answering(200, b"<html>hello</html>")).url)


def test_a_wrong_token_is_refused_and_the_right_one_is_not(upstream: Serve) -> None:
    box = Toolbox(make_tool("getPrice"))
    assert "Check the request headers" in refusal_of(upstream(with_bearer(box.app(), "another")).url)
    target = Target(uuid4(), upstream(with_bearer(box.app(), SECRET)).url, (("Authorization", f"Bearer {SECRET}"),))
    assert len(discover(target).tools) == 1


def test_it_says_that_nothing_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert "Nothing answers at this address" in refusal_of(f"http://127.0.0.1:{port}/mcp")


def test_it_says_why_an_address_is_refused() -> None:
    assert "10.0.0.5 is a private address" in refusal_of("https://10.0.0.5/mcp")


def test_it_says_that_a_certificate_is_not_valid(tmp_path: Path) -> None:
    key, certificate = write_certificate(tmp_path)
    app = Toolbox(make_tool("getPrice")).app()
    with serve(
        app, ssl_keyfile=str(key), ssl_certfile=str(certificate), ssl_version=ssl.PROTOCOL_TLS_SERVER
    ) as running:
        assert "certificate is not valid" in refusal_of(running.url)
        assert running.seen == []


def test_it_says_that_a_port_speaks_no_tls(upstream: Serve) -> None:
    running = upstream(Toolbox(make_tool("getPrice")).app())
    assert "No TLS connection" in refusal_of(running.url.replace("http://", "https://"))


def write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "key.pem", folder / "cert.pem"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"tools":[{"name":"a","name":"b","inputSchema":{}}]}', "same key twice"),
        ('{"tools":[{"name":"a","n\\u0061me":"b","inputSchema":{}}]}', "same key twice"),
        ('{"tools":[],"x":NaN}', "NaN"),
        ('{"tools":[],"x":-Infinity}', "Infinity"),
        ('{"tools":[],"x":1e99999}', "too many digits"),
        (f'{{"tools":[],"x":{"9" * 500}}}', "too many digits"),
        ('{"tools":[],"x":"\\ud800"}', "surrogate"),
        (f'{{"tools":{"[" * 100}{"]" * 100}}}', "nests too deeply"),
        (f'{{"tools":{"[" * 100_000}{"]" * 100_000}}}', "nests too deeply"),
        ('{"tools":[]} {}', "no JSON"),
        ('{"tools":{}}', "without a list of tools"),
        ('{"nothing":1}', "without a list of tools"),
        ('"text"', "result is no object"),
        ('{"tools":[],"nextCursor":"again"}', "repeats itself"),
        ('{"tools":[],"nextCursor":7}', "repeats itself"),
        ('{"tools":[{"name":"a","inputSchema":{}},{"name":"a","inputSchema":{}}]}', "two tools named a"),
    ],
)
def test_it_refuses_a_list_that_cannot_be_trusted(upstream: Serve, text: str, words: str) -> None:
    assert words in refusal_of(upstream(scripted(modern(lambda params: text))).url)


def test_it_refuses_bytes_that_are_not_utf_8(upstream: Serve) -> None:
    assert "not UTF-8" in refusal_of(upstream(scripted(lambda request: b'{"a":"\xff"}')).url)


def test_it_refuses_a_byte_order_mark(upstream: Serve) -> None:
    assert "cannot be read" in refusal_of(upstream(scripted(lambda request: b"\xef\xbb\xbf{}")).url)


def test_it_refuses_an_answer_to_another_request(upstream: Serve) -> None:
    assert "not MCP" in refusal_of(upstream(scripted(lambda request: b'{"jsonrpc":"2.0","id":"1","result":{}}')).url)


def test_it_refuses_more_than_5000_tools(upstream: Serve) -> None:
    tools = [make_tool(f"t{number}") for number in range(5001)]
    assert "more than 5,000 tools" in refusal_of(upstream(scripted(modern(lambda params: {"tools": tools}))).url)


def test_it_refuses_a_list_without_end() -> None:
    with pytest.raises(ExchangeError, match="more than 100 pages"):
        walk_pages(lambda cursor: {"tools": [], "nextCursor": f"{cursor}x"})


def test_it_stops_reading_at_16_mib(upstream: Serve) -> None:
    filler = json.dumps({"tools": [], "x": "y" * (17 * 1024 * 1024)})
    assert "more than 16 MiB" in refusal_of(upstream(scripted(modern(lambda params: filler))).url)


def test_it_refuses_a_compressed_answer(upstream: Serve) -> None:
    app = scripted(lambda request: gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
    assert "compresses its answers" in refusal_of(upstream(app).url)


def test_it_shows_a_remote_error_cleaned_and_without_secrets(upstream: Serve) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        message = f"bad\u202e token\n\x00Bearer {SECRET} " + "x" * 5000
        error = {"code": -32603, "message": message}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()

    said = refusal_of(upstream(scripted(reply)).url)
    assert said.startswith("The server answered with error -32603: bad token [hidden]")
    assert len(said) < 300


def test_it_says_which_versions_are_served(upstream: Serve) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        result = {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {}}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()

    assert "served: 2025-11-25, 2025-06-18, 2025-03-26" in refusal_of(upstream(scripted(reply)).url)


def test_it_says_that_a_server_is_too_new(upstream: Serve) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        error = {"code": -32022, "message": "no", "data": {"supported": ["2031-01-01"], "requested": "2026-07-28"}}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()

    assert "no version of MCP that is known here" in refusal_of(upstream(scripted(reply)).url)


def test_it_reads_events_cut_anywhere_past_comments_and_notifications(upstream: Serve) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        inner = (
            modern(lambda params: {"tools": [make_tool("getPrice")]})(request)
            .decode()
            .replace(',"result"', ',\n"result"')
        )
        data = "\r\n".join(f"data: {line}" for line in inner.split("\n"))
        notification = 'data: {"jsonrpc":"2.0","method":"x"}'
        noise = f": hello\r\n\r\nid: 1\r\ndata:\r\n\r\nevent: ping\r\ndata: {{}}\r\n\r\n{notification}\r\n\r\n"
        return (noise + data + "\r\n\r\n").encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        request = json.loads((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        whole = reply(request)
        for place in range(0, len(whole), 7):
            await send({"type": "http.response.body", "body": whole[place : place + 7], "more_body": True})
            await asyncio.sleep(0)
        # The stream stays open: the answer is enough.
        await receive()

    target = Target(uuid4(), upstream(app).url, ())
    assert [tool.name for tool in discover(target).tools] == ["getPrice"]


def test_a_trickling_answer_ends_at_the_deadline(upstream: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for _ in range(2000):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.05)

    started = time.monotonic()
    target = Target(uuid4(), upstream(app).url, ())
    with Exchange(target, started + 1) as exchange, pytest.raises(ExchangeError, match="did not answer in time"):
        exchange.call("server/discover", {}, {})
    assert time.monotonic() - started < 5


def test_foreign_text_is_made_fit_to_show() -> None:
    assert clean_text("a\x00b\u200bc\u202ed\n\n e") == "a b c d e"
    assert len(clean_text("x" * 1000)) == 200
