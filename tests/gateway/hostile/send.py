"""Sends a row as bytes over a socket, as no well-behaved client would; reads what comes back, and trees exactly."""

import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.gateway.hostile.row import Pair, Row
from tests.gateway.world import ACCEPT


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def head_of(row: Row, token: str, host: str) -> list[Pair]:
    usual: dict[str, bytes | None] = {
        "Host": host.encode(),
        "Authorization": f"Bearer {token}".encode(),
        "Accept": ACCEPT.encode(),
        "Content-Type": b"application/json",
        "Content-Length": str(len(row.body)).encode(),
        **row.headers,
    }
    return [*((name.encode(), value) for name, value in usual.items() if value is not None), *row.extra]


def send_raw(base: str, target: str, verb: str, head: Sequence[Pair], body: bytes) -> Response:
    host, _, port = base.removeprefix("http://").partition(":")
    lines = b"".join(b"%s: %s\r\n" % pair for pair in head)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (verb.encode(), target.encode(), lines))
        connection.sendall(body)
        response = http.client.HTTPResponse(connection, method=verb)
        response.begin()
        return Response(response.status, response.read(), {key.lower(): value for key, value in response.getheaders()})


def send_row(base: str, server: object, token: str, row: Row) -> Response:
    head = head_of(row, token, base.removeprefix("http://"))
    return send_raw(base, f"/mcp/{server}", row.verb, head, row.body)


def tree_of(body: bytes) -> Any:
    """All that a JSON text says, for comparison: the order of members, each number exactly, true apart from 1."""
    return json.loads(
        body,
        object_pairs_hook=lambda pairs: ("object", tuple(pairs)),
        parse_int=lambda token: ("number", Decimal(token)),
        parse_float=lambda token: ("number", Decimal(token)),
        parse_constant=lambda word: ("word", word),
    )
