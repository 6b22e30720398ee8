"""One JSON-RPC request to an upstream and its answer, for the control plane; the hot path has its own client.

Bounded in bytes and time, JSON or SSE, never compressed, never redirected. Every failure is an ExchangeError whose text
may be shown: it never holds a request header's value.

    ExchangeError          anything that went wrong, as one or two sentences
    ├── StatusRefusedError  an HTTP status that is no success
    └── RemoteError         a JSON-RPC error object
"""

import re
import socket
import ssl
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from policies.engine.values import JSON
from servers.fingerprint import JsonRefusedError, parse_json
from servers.upstream.guard import AddressRefusedError, GuardedTransport
from servers.upstream.target import Target

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_QUOTE: Final = 200
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
_ACCEPT: Final = "application/json, text/event-stream"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class ExchangeError(Exception):
    """An exchange with an upstream failed; the text says what happened and what to do, in words safe to show."""


class StatusRefusedError(ExchangeError):
    """The upstream answered with an HTTP status that is no success."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RemoteError(ExchangeError):
    """The upstream answered with a JSON-RPC error."""

    def __init__(self, message: str, code: int, data: JSON) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON-RPC result and the lower-case headers that came with it."""

    result: dict[str, JSON]
    headers: Mapping[str, str]


@dataclass(slots=True)
class Exchange:
    """Requests to one upstream that share a connection, a byte allowance and a deadline (`time.monotonic` seconds)."""

    target: Target
    deadline: float
    client: httpx.Client = field(init=False)
    received: int = 0
    last_id: int = 0

    def __enter__(self) -> "Exchange":
        self.client = httpx.Client(
            transport=GuardedTransport(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            headers={"user-agent": "PolicyLayer", "accept": _ACCEPT, "accept-encoding": "identity"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def call(self, method: str, params: dict[str, JSON], headers: Mapping[str, str]) -> Answer:
        """The result of one JSON-RPC request; raises ExchangeError or one of its kinds."""
        self.last_id += 1
        body: dict[str, JSON] = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        with self._sent("POST", headers, body) as response:
            message = self._read_message(response)
            answer_headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(self._result_of(message), answer_headers)

    def notify(self, method: str, headers: Mapping[str, str]) -> None:
        """Send one JSON-RPC notification; raises ExchangeError when it is not accepted."""
        with self._sent("POST", headers, {"jsonrpc": "2.0", "method": method}):
            pass

    def delete(self, headers: Mapping[str, str]) -> None:
        """Send DELETE, which ends a legacy session; raises ExchangeError when it is refused."""
        with self._sent("DELETE", headers, None):
            pass

    def clean(self, text: str) -> str:
        """Upstream text made fit to show: one line, visible, short, and without any value of a request header."""
        values = [value for _, value in self.target.headers]
        values += [value for _, value in parse_qsl(urlsplit(self.target.url).query)]
        parts = {part for value in values for part in (value, *value.split())}
        for secret in sorted(parts, key=len, reverse=True):
            if len(secret) >= 4:
                text = text.replace(secret, "[hidden]")
        return clean_text(text)

    def _sent(self, method: str, headers: Mapping[str, str], body: dict[str, JSON] | None) -> "_Sending":
        return _Sending(self, method, headers, body)

    def _read_message(self, response: httpx.Response) -> dict[str, JSON]:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            return self._pick_event(response)
        if kind != "application/json":
            raise ExchangeError("The answer is not MCP (no JSON and no event stream). Check the path of the address.")
        message = _read_json(b"".join(self._chunks(response)))
        if not self._is_mine(message):
            raise ExchangeError("The answer is not MCP (no JSON-RPC answer to the request). Check the address.")
        return message

    def _pick_event(self, response: httpx.Response) -> dict[str, JSON]:
        for data in _split_events(self._chunks(response)):
            message = _read_json(data)
            if self._is_mine(message):
                return message
        raise ExchangeError("The server ended its event stream without an answer. Try again later.")

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        for chunk in response.iter_raw():
            self.received += len(chunk)
            if self.received > MAX_BYTES:
                raise ExchangeError("The server sent more than 16 MiB. Its tool list is too large to take in.")
            if time.monotonic() > self.deadline:
                raise httpx.ReadTimeout("deadline")
            yield chunk

    def _is_mine(self, message: dict[str, JSON]) -> bool:
        number = message.get("id")
        return type(number) is int and number == self.last_id and ("result" in message) != ("error" in message)

    def _result_of(self, message: dict[str, JSON]) -> dict[str, JSON]:
        error, result = message.get("error"), message.get("result")
        if isinstance(error, dict):
            code, text = error.get("code"), error.get("message")
            shown = self.clean(text) if isinstance(text, str) else ""
            number = code if type(code) is int else 0
            sentence = f"The server answered with error {number}: {shown or 'no message'}"
            raise RemoteError(sentence, number, error.get("data"))
        if not isinstance(result, dict):
            raise ExchangeError("The answer is not MCP (its result is no object). Check the address.")
        return result


class _Sending:
    """A request on its way: opens the response, refuses what is no success, and gives foreign errors our words."""

    def __init__(
        self, exchange: Exchange, method: str, headers: Mapping[str, str], body: dict[str, JSON] | None
    ) -> None:
        self.exchange = exchange
        self.request = exchange.client.build_request(
            method,
            exchange.target.url,
            headers=[*exchange.target.headers, *headers.items()],
            json=body,
        )

    def __enter__(self) -> httpx.Response:
        try:
            if time.monotonic() > self.exchange.deadline:
                raise httpx.ReadTimeout("deadline")
            self.response = self.exchange.client.send(self.request, stream=True)
        except (httpx.HTTPError, AddressRefusedError) as error:
            raise ExchangeError(describe_failure(error)) from None
        try:
            self._check()
        except ExchangeError:
            self.response.close()
            raise
        return self.response

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.response.close()
        if isinstance(error, httpx.HTTPError):
            raise ExchangeError(describe_failure(error)) from None

    def _check(self) -> None:
        status = self.response.status_code
        if not 200 <= status < 300:
            raise StatusRefusedError(describe_status(status), status)
        if self.response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ExchangeError("The server compresses its answers although it was asked not to. Switch that off.")


def describe_status(status: int) -> str:
    """What an HTTP status that is no success means for the person who registered the server."""
    if status in (401, 403):
        return f"The server refused the credentials (HTTP {status}). Check the request headers, such as Authorization."
    if 300 <= status < 400:
        return f"The server answers with a redirect (HTTP {status}). Enter the address that it leads to."
    if status in (404, 405, 406, 415):
        return f"Nothing speaks MCP over streamable HTTP at this address (HTTP {status}). Check the path."
    if status == 429:
        return "The server asks for fewer requests (HTTP 429). Try again later."
    if status >= 500:
        return f"The server failed (HTTP {status}). Try again later, or look at its own log."
    return f"The server refused the request (HTTP {status}). Check the address and the request headers."


def describe_failure(error: httpx.HTTPError | AddressRefusedError) -> str:
    """A connection's failure in one or two sentences; never the text of a foreign exception."""
    causes = set(map(type, _causes_of(error)))
    if isinstance(error, AddressRefusedError):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return "The server did not answer in time. Check that it runs and that it can be reached from here."
    if socket.gaierror in causes:
        return "The host name is not known to the name service. Check it for typing mistakes."
    if ssl.SSLCertVerificationError in causes:
        return "The server's certificate is not valid for its name. Mend the certificate, or correct the address."
    if any(issubclass(cause, ssl.SSLError) for cause in causes):
        return "No TLS connection could be made. Check that the server speaks https at this address."
    if isinstance(error, httpx.ConnectError):
        return "Nothing answers at this address. Check that the server runs, and check the port."
    return "The connection broke before the answer was complete. Try again, or look at the server's own log."


def clean_text(text: str, limit: int = MAX_QUOTE) -> str:
    """Foreign text on one line, without control, direction and zero-width characters, cut to `limit` characters."""
    shown = "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in text[: 4 * limit])
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def escape_invisible(text: str) -> str:
    """Foreign text with each control, direction and zero-width character written out, so that nothing hides in it."""
    return "".join(f"\\u{{{ord(char):04X}}}" if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _causes_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _read_json(data: bytes) -> dict[str, JSON]:
    try:
        value = parse_json(data)
    except JsonRefusedError as error:
        raise ExchangeError(f"The server's answer cannot be read: {error}. Report it to who runs the server.") from None
    if not isinstance(value, dict):
        raise ExchangeError("The answer is not MCP (no JSON-RPC object). Check the address.")
    return value


def _split_events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The data of each `message` event (HTML Living Standard, section 9.2.6), comments and empty events passed over."""
    data: list[bytes] = []
    kind = b"message"
    for line in _split_lines(chunks):
        if not line:
            if any(data) and kind == b"message":
                yield b"\n".join(data)
            data, kind = [], b"message"
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value or b"message"


def _split_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    is_after_cr = False
    for chunk in filter(None, chunks):
        # A CRLF may be cut in two: the CR has ended its line already.
        start = 1 if is_after_cr and chunk.startswith(b"\n") else 0
        is_after_cr = chunk.endswith(b"\r")
        first, *others = _LINE_END.split(chunk[start:])
        held.append(first)
        for line in others:
            yield b"".join(held)
            held = [line]
    yield b"".join(held)
