"""Items 5 and 6: names that look like a tool's, and other ways than tools/call to get something done."""

import json
from typing import Final

from tests.gateway.hostile.row import (
    ACCEPTED,
    HIDDEN_TOOL,
    NO_MESSAGE,
    UNKNOWN_METHOD,
    UNKNOWN_TOOL,
    Answer,
    Row,
    call,
    denied,
    mirrors_of,
    passes,
    say,
    say_modern,
)

LOOK_ALIKES: Final = {
    "Cyrillic letter": "getTi\u0441kers", "Greek letter": "g\u03b5tTickers", "fullwidth letter": "\uff47etTickers",
    "long s": "getTicker\u017f", "Kelvin sign": "getTic\u212aers", "combining mark": "getTickers\u0301",
    "zero width space": "getTickers\u200b", "zero width joiner": "get\u200dTickers", "soft hyphen": "get\u00adTickers",
    "byte order mark": "\ufeffgetTickers", "right-to-left mark": "getTickers\u200f", "NUL after": "getTickers\x00",
    "NUL and more": "getTickers\x00wipeAccount", "space after": "getTickers ", "space before": " getTickers",
    "tab after": "getTickers\t", "line feed after": "getTickers\n", "line ends within": "getTickers\r\nX: y",
    "other case": "GetTickers", "all small": "gettickers", "a prefix of it": "getTicker", "it and more": "getTickersX",
    "with a server": "server/getTickers", "with a colon": "server:getTickers", "dot after": "getTickers.",
    "slash before": "/getTickers", "path": "../getTickers", "percent": "getTicker%73", "entity": "getTicker&#115;",
    "pattern": "get*", "pattern alone": "*", "title": "Tickers", "description": "Prices.", "empty": "",
    "quoted": '"getTickers"', "very long": "getTickers" * 1000, "a member of dict": "__class__",
    "prototype": "__proto__",
}  # fmt: skip
NO_NAMES: Final = {"number": "5", "null": "null", "true": "true", "list": '["order"]', "object": '{"name":"order"}'}
# Spellings of methods that somebody else might fold; none may reach an upstream.
METHODS: Final = (
    *("Tools/Call", "TOOLS/CALL", "tools/call ", " tools/call", "tools/call\x00", "tools\\call", "tools.call"),
    *("tools//call", "/tools/call", "tools/call/", "tool/call", "tools/call/x", "tools/callx", "tools", "call", ""),
    *("tools/\uff43all", "tools/c\u0430ll", "tools/call\u200b", "tools%2Fcall", "tools/execute", "tools/run", "x/own"),
    *("rpc.discover", "system.listMethods", "sampling/createMessage", "elicitation/create", "roots/list", "shutdown"),
    *("initialise", "Initialize", "notification/initialized", "$/cancelRequest", "logging/setlevel", "resources"),
    *("Resources/read", "prompts", "tasks", "completion", "resource/read", "__proto__", "x" * 5000),
)
PASSING: Final = (
    *("initialize", "logging/setLevel", "server/discover", "resources/list", "resources/read", "resources/subscribe"),
    *("resources/templates/list", "prompts/list", "prompts/get", "completion/complete", "tasks/get", "tasks/cancel"),
)
NO_METHOD: Final = Answer(200, -31403, "(no policy)")
FAMILIES: Final = {
    "resources/read": "resources", "resources/x": "resources", "prompts/get": "prompts", "tasks/result": "tasks",
    "completion/complete": "completion",
}  # fmt: skip
NOTIFICATIONS: Final = ("notifications/initialized", "notifications/cancelled", "notifications/progress")
WITHOUT_ID: Final = ("tools/call", "tools/list", "resources/read", "ping", "notification/x", "Notifications/x", "")


def _named(name: str) -> bytes:
    return say("tools/call", {"name": name, "arguments": {}})


def _without_id(method: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": {"name": "order", "arguments": {}}}).encode()


def _switched(method: str, family: str) -> Row:
    return Row(6, f"switched off: {method}", Answer(200, -31403, f"/methods/{family}"), say(method, {}), "switched")


ROWS: Final = (
    *(Row(5, f"like getTickers: {what}", UNKNOWN_TOOL, _named(name)) for what, name in LOOK_ALIKES.items()),
    *(Row(5, f"guarded: {what}", UNKNOWN_TOOL, _named(name), "guarded") for what, name in LOOK_ALIKES.items()),
    *(
        Row(5, f"name {what}", NO_MESSAGE, call().replace(b'"name":"order"', b'"name":' + name.encode()))
        for what, name in NO_NAMES.items()
    ),
    Row(5, "no name", NO_MESSAGE, call().replace(b'"name":"order",', b"")),
    Row(5, "title for a name", NO_MESSAGE, call().replace(b'"name":', b'"title":')),
    Row(5, "fine: the name itself", passes(), _named("getTickers")),
    Row(5, "fine: the name escaped", passes(), call(tool="\\u0067etTickers")),
    Row(5, "fine: a title beside", passes(), call(params=',"title":"getWallet"')),
    # The list hides, and the call is judged all the same.
    Row(6, "a hidden tool", HIDDEN_TOOL, call(tool="getWallet"), "hiding"),
    Row(6, "a tool hidden by a pattern", HIDDEN_TOOL, call(tool="wipeAccount"), "hiding"),
    Row(6, "a hidden tool, guarded", HIDDEN_TOOL, call(tool="getWallet"), "guarded"),
    Row(6, "a hidden tool as a task", HIDDEN_TOOL, call(tool="getWallet", params=',"task":{"ttl":1}'), "hiding"),
    Row(6, "a listed tool that is denied", denied("/tools/stopped"), call(tool="stopped"), "guarded"),
    Row(6, "without a policy", denied("(no policy)"), call(tool="getTickers"), "none"),
    Row(6, "an unknown tool without a policy", denied("(no policy)"), call(tool="nobody"), "none"),
    Row(
        6,
        "a resource without a policy",
        Answer(200, -31403, "(no policy)"),
        say("resources/read", {"uri": "x:y"}),
        "none",
    ),
    Row(6, "an unknown method without a policy", UNKNOWN_METHOD, say("x/own", {}), "none"),
    Row(6, "fine: a listed tool", passes("/tools/getTickers"), call(tool="getTickers"), "guarded"),
    Row(6, "fine: a list", passes(), say("tools/list", {"cursor": "x"}), "guarded"),
    Row(6, "fine: a list without a policy", passes(), say("tools/list"), "none"),
    *(Row(6, f"method {method[:40]!r}", UNKNOWN_METHOD, say(method, {"name": "order"})) for method in METHODS),
    *(Row(6, f"fine: {method}", passes(), say(method, {})) for method in PASSING),
    Row(6, "fine: ping", Answer(200, "result", None), say("ping")),
    *(_switched(method, family) for method, family in FAMILIES.items()),
    Row(6, "fine: an extra method", passes("/methods/extra"), say("x/own", {"a": 1}), "switched"),
    Row(6, "an extra method's neighbour", UNKNOWN_METHOD, say("x/owns", {}), "switched"),
    *(Row(6, f"without id: {method!r}", NO_MESSAGE, _without_id(method)) for method in WITHOUT_ID),
    Row(6, "with id null", NO_MESSAGE, say("notifications/initialized", {}, id=None)),
    *(Row(6, f"fine: {method}", ACCEPTED, _without_id(method)) for method in NOTIFICATIONS),
    Row(6, "notification as a request", UNKNOWN_METHOD, say("notifications/initialized", {})),
    Row(
        6,
        "a modern call of a hidden tool",
        HIDDEN_TOOL,
        say_modern("tools/call", {"name": "getWallet", "arguments": {}}),
        "hiding",
        headers=mirrors_of("tools/call", "getWallet"),
    ),
    Row(
        6,
        "fine: a modern call",
        passes(),
        say_modern("tools/call", {"name": "getTickers", "arguments": {}}),
        "hiding",
        headers=mirrors_of("tools/call", "getTickers"),
    ),
)
