"""Item 7: headers that say something else than the body, that nothing was compared with, or that speak for others."""

import json
from typing import Final

from tests.gateway.hostile.row import (
    ACCEPTED,
    MISMATCH,
    NO_VERSION,
    STRANGER,
    UNKNOWN_SESSION,
    Answer,
    Pair,
    Row,
    call,
    denied,
    mirrors_of,
    passes,
    say,
    say_modern,
    sentinel,
)
from tests.gateway.world import VERSION, VERSION_META

TICKERS: Final = say_modern("tools/call", {"name": "getTickers", "arguments": {}})
PLAIN: Final = call(tool="getTickers")
BAD_HOST: Final = Answer(400, -31403, None)
BAD_ORIGIN: Final = Answer(403, -31403, None)
# A header that is there twice is refused before anybody is known.
TWICE: Final = Answer(400, -32600, None)
BAD_BYTES: Final = Answer(400, -32600, "(malformed)")

DISAGREEING: Final[dict[str, dict[str, str | None]]] = {
    "another version": {"MCP_Protocol_Version": "2025-11-25"},
    "an empty version": {"MCP_Protocol_Version": ""},
    "no version": {"MCP_Protocol_Version": None},
    "a version and a comma": {"MCP_Protocol_Version": f"{VERSION}, {VERSION}"},
    "a version encoded": {"MCP_Protocol_Version": sentinel(VERSION)},
    "another method": {"Mcp_Method": "tools/list"},
    "a method in other case": {"Mcp_Method": "Tools/Call"},
    "an empty method": {"Mcp_Method": ""},
    "no method": {"Mcp_Method": None},
    "a method encoded": {"Mcp_Method": sentinel("tools/call")},
    "another name": {"Mcp_Name": "order"},
    "a name in other case": {"Mcp_Name": "GetTickers"},
    "an empty name": {"Mcp_Name": ""},
    "no name": {"Mcp_Name": None},
    "another name encoded": {"Mcp_Name": sentinel("order")},
    "two names": {"Mcp_Name": "getTickers,order"},
    "a title": {"Mcp_Name": "Tickers"},
    "base64 cut": {"Mcp_Name": "=?base64?Z2V0VGlja2Vycw?="},
    "base64 with other signs": {"Mcp_Name": "=?base64?!!!?="},
    "base64 with stray bits": {"Mcp_Name": "=?base64?Z2V0VGlja2Vyc1==?="},
    "base64 with a space": {"Mcp_Name": "=?base64?Z2V0 VGlja2Vycw==?="},
    "base64 in other case": {"Mcp_Name": "=?BASE64?Z2V0VGlja2Vycw==?="},
    "encoded twice": {"Mcp_Name": sentinel(sentinel("getTickers"))},
    "percent-encoded": {"Mcp_Name": "getTicker%73"},
}
VERSIONS: Final = ("null", "1", "[]", '""', '"2025-11-25"', f'"{VERSION} "', '"2026-07-29"', "true")
REGION: Final[dict[str, object]] = {"region": "eu"}
# Each with the region that the header names, if it names one.
REGIONS: Final[tuple[tuple[str, dict[str, object], str | None], ...]] = (
    ("another value", REGION, "us"),
    ("other case", REGION, "EU"),
    ("missing", REGION, None),
    ("an orphan", {}, "eu"),
    ("of a null", {"region": None}, "eu"),
    ("of a list", {"region": ["eu"]}, "eu"),
    ("a number for a text", {"region": 1}, "1.0"),
    ("broken base64", REGION, "=?base64?ZXU?="),
    ("two values", REGION, "eu, us"),
)
# A name with an underscore is another name to us; to a CGI it would be the same. It must not travel.
STRAYS: Final[dict[str, tuple[Pair, ...]]] = {
    "underscores": ((b"Mcp_Name", b"order"), (b"Mcp_Method", b"ping"), (b"MCP_PROTOCOL_VERSION", b"2026-07-28")),
    "an underscored token": ((b"Authori_zation", b"Bearer x"), (b"Mcp_Session_Id", b"x"), (b"Mcp_Param_Region", b"us")),
    "forwarding": (
        (b"X-Forwarded-Host", b"evil.example"),
        (b"X-Forwarded-For", b"127.0.0.1"),
        (b"X-Forwarded-Proto", b"https"),
        (b"Forwarded", b"for=127.0.0.1;host=evil.example"),
        (b"X-Real-IP", b"127.0.0.1"),
        (b"X-Original-URL", b"/mcp/other"),
        (b"X-Rewrite-URL", b"/mcp/other"),
    ),
    "cookies": ((b"Cookie", b"sessionid=x; __Host-a=b"), (b"X-CSRFToken", b"x")),
    "verbs": ((b"X-HTTP-Method-Override", b"DELETE"), (b"X-Method-Override", b"GET")),
    "identity": ((b"X-User", b"admin"), (b"X-Policylayer-Grant", b"x"), (b"Proxy-Authorization", b"Basic eDp4")),
    "hops": ((b"TE", b"trailers"), (b"Keep-Alive", b"timeout=5"), (b"Proxy-Connection", b"keep-alive")),
    "hops by name": ((b"Via", b"1.1 x"), (b"Upgrade-Insecure-Requests", b"1"), (b"Range", b"bytes=0-1")),
    "conditions": ((b"If-None-Match", b"*"), (b"If-Modified-Since", b"Thu, 01 Jan 1970 00:00:00 GMT")),
    "traces": ((b"Baggage", b"user=admin"), (b"Referer", b"https://evil.example/?token=x")),
}
REPEATED: Final = (
    *(b"Authorization", b"Host", b"Mcp-Session-Id", b"Mcp-Method", b"Mcp-Name", b"MCP-Protocol-Version"),
    *(b"Content-Type", b"Accept", b"Last-Event-ID", b"Origin", b"Mcp-Param-Region"),
)
HOSTS: Final = (
    b"evil.example",
    b"evil.example:443",
    b"",
    b"localhost@evil.example",
    b"127.0.0.1.evil.example",
    b"[::2]",
)
ORIGINS: Final = (b"https://evil.example", b"null", b"http://localhost", b"http://127.0.0.1:1", b"file://")
# Bytes beyond ASCII.
ODD_VALUES: Final = (b"caf\xe9", b"\xff\xfe", b"\xc3\xa9")
TRAVELLING: Final = ("Mcp-Param-X", "Last-Event-ID", "Accept")


def _modern(what: str, **others: str | None) -> Row:
    return Row(7, what, MISMATCH, TICKERS, headers=mirrors_of("tools/call", "getTickers", **others))


def _version(version: str) -> Row:
    body = f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"{VERSION_META}":{version}}}}}}}'.encode()
    return Row(7, f"a body of version {version}", MISMATCH, body, headers=mirrors_of("ping"))


def _region(what: str, arguments: dict[str, object], region: str | None, answer: Answer = MISMATCH) -> Row:
    body = say_modern("tools/call", {"name": "routed", "arguments": arguments})
    headers = mirrors_of("tools/call", "routed", Mcp_Param_Region=region)
    return Row(7, f"region: {what}", answer, body, headers=headers)


def _repeated(name: bytes) -> Row:
    values = {b"Host": b"127.0.0.1", b"Authorization": b"Bearer x", b"Content-Type": b"application/json"}
    value = values.get(name, b"x")
    needed = name not in (*values, b"Accept")
    return Row(7, f"twice: {name.decode()}", TWICE, PLAIN, extra=((name, value),) * (1 + needed))


ROWS: Final = (
    *(_modern(what, **others) for what, others in DISAGREEING.items()),
    *map(_version, VERSIONS),
    *(_region(*one) for one in REGIONS),
    _region("fine: the value", REGION, "eu", passes()),
    _region("fine: encoded", REGION, sentinel("eu"), passes()),
    _region("fine: none", {}, None, passes()),
    *(Row(7, f"fine, left behind: {what}", passes(), PLAIN, extra=extra) for what, extra in STRAYS.items()),
    *map(_repeated, REPEATED),
    *(Row(7, f"host {host!r}", BAD_HOST, PLAIN, headers={"Host": host}) for host in HOSTS),
    *(Row(7, f"origin {origin!r}", BAD_ORIGIN, PLAIN, headers={"Origin": origin}) for origin in ORIGINS),
    *(
        Row(7, f"{name} of {value!r}", BAD_BYTES, PLAIN, headers={name: value})
        for name in TRAVELLING
        for value in ODD_VALUES
    ),
    Row(7, "a legacy body, another method", MISMATCH, PLAIN, headers={"Mcp-Method": b"tools/list"}),
    Row(7, "a legacy body, another name", MISMATCH, PLAIN, headers={"Mcp-Name": b"order"}),
    Row(7, "a legacy body, the modern version", NO_VERSION, PLAIN, headers={"MCP-Protocol-Version": VERSION.encode()}),
    Row(7, "a list with a name", MISMATCH, say("tools/list"), headers={"Mcp-Name": b"getTickers"}),
    Row(
        7,
        "a notification, another method",
        MISMATCH,
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        headers={"Mcp-Method": b"tools/call"},
    ),
    Row(
        7, "a resource, another address", MISMATCH, say("resources/read", {"uri": "x:a"}), headers={"Mcp-Name": b"x:b"}
    ),
    Row(7, "fine: a resource", passes(), say("resources/read", {"uri": "x:a"}), headers={"Mcp-Name": b"x:a"}),
    Row(7, "fine: right mirrors", passes(), PLAIN, headers={"Mcp-Method": b"tools/call", "Mcp-Name": b"getTickers"}),
    Row(7, "fine: an orphan of no schema", passes(), PLAIN, headers={"Mcp-Param-Unknown": b"x"}),
    Row(
        7,
        "fine: mirrors of a response stay",
        ACCEPTED,
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        headers={"Mcp-Method": b"tools/call", "Mcp-Name": b"order", "Mcp-Param-Region": b"us"},
    ),
    Row(7, "fine: modern", passes(), TICKERS, headers=mirrors_of("tools/call", "getTickers")),
    Row(7, "fine: modern, encoded", passes(), TICKERS, headers=mirrors_of("tools/call", sentinel("getTickers"))),
    Row(
        7,
        "a header cannot allow",
        denied("/tools/stopped"),
        call(tool="stopped"),
        "guarded",
        headers={"Mcp-Method": b"tools/call", "Mcp-Name": b"stopped"},
        extra=((b"X-Tool", b"getTickers"),),
    ),
    # Item 8 knows more of these; here only that a session is asked for by its header and nothing else.
    Row(8, "a session that nobody opened", UNKNOWN_SESSION, PLAIN, headers={"Mcp-Session-Id": b"guessed"}),
    Row(8, "an empty session", UNKNOWN_SESSION, PLAIN, headers={"Mcp-Session-Id": b""}),
    Row(
        8,
        "fine: a modern call has none",
        passes(),
        TICKERS,
        headers={**mirrors_of("tools/call", "getTickers"), "Mcp-Session-Id": b"guessed"},
    ),
    *(
        Row(8, f"authorization {value!r}", STRANGER, PLAIN, headers={"Authorization": value})
        for value in (
            None,
            b"",
            b"Bearer",
            b"Bearer plg_x",
            b"Basic eDp4",
            b"Bearer null",
            b"Bearer a b",
            b"bearer\xa0x",
        )
    ),
    Row(
        7,
        "fine: a body that speaks of headers",
        passes(),
        json.dumps(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "headers": {"Mcp-Name": "order"},
                "params": {"name": "getTickers", "arguments": {"Mcp-Name": "order"}},
            }
        ).encode(),
    ),
)
