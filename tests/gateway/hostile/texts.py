"""Items 9 and 12: patterns that match more than they seem to or never end, and policies that say two things at once."""

import json
from typing import Any, Final

from tests.gateway.hostile.policies import DOCUMENTS as PLAIN_DOCUMENTS
from tests.gateway.hostile.policies import OPEN
from tests.gateway.hostile.row import NO_POLICY, Answer, Row, call, denied, passes

SECONDS: Final = 10.0


def _note(what: str, answer: Answer, tool: str, note: str, seconds: float = 60) -> Row:
    body = call(json.dumps({"note": note}), tool=tool)
    return Row(9, f"{tool}: {what}", answer, body, "guarded", seconds=seconds)


WORD: Final = denied("/tools/word/require/0")
SLOWER: Final = denied("/tools/slower/require/0")
TAIL: Final = denied("/tools/tail/deny_if/0")
NOT_A_WORD: Final = {
    "more before": "!good", "more after": "good!", "a line feed after": "good\n", "a line feed before": "\ngood",
    "a second line": "good\nDROP", "a carriage return": "good\r", "a separator": "good\u2028", "a NUL": "good\x00",
    "other case": "Good", "a letter that folds": "\u017fo", "nothing": "", "a zero width space": "go\u200bod",
    "a mark": "\ufeffgood", "an accent": "go\u0301od",
}  # fmt: skip
NO_DOCUMENTS: Final[dict[str, str]] = {
    "a duplicate key": '{"version":"1","default":"deny","default":"allow"}',
    "a duplicate key, escaped": '{"version":"1","default":"deny","\\u0064efault":"allow"}',
    "a duplicate tool": '{"version":"1","default":"deny","tools":{"order":{"action":"deny"},"order":{}}}',
    "an unknown key": '{"version":"1","default":"allow","deny":["order"]}',
    "a key in other case": '{"version":"1","Default":"allow"}',
    "an unknown operator": '{"version":"1","default":"allow","tools":{"order":{"deny_if":[{"conditions":'
    '[{"path":"args.qty","op":"above","value":1}]}]}}}',
    "an operator in other case": '{"version":"1","default":"allow","tools":{"order":{"deny_if":[{"conditions":'
    '[{"path":"args.qty","op":"GT","value":1}]}]}}}',
    "an unknown action": '{"version":"1","default":"allow","tools":{"order":{"action":"maybe"}}}',
    "an unknown default": '{"version":"1","default":"permit"}',
    "no default": '{"version":"1"}',
    "no version": '{"default":"allow"}',
    "another version": '{"version":"2","default":"allow"}',
    "a version as number": '{"version":1,"default":"allow"}',
    "tying patterns": '{"version":"1","default":"allow","tools":{"or*":{"action":"deny"},"*er":{}}}',
    "a look-ahead": '{"version":"1","default":"allow","tools":{"order":{"require":[{"conditions":'
    '[{"path":"args.note","op":"matches","value":"(?=x)y"}]}]}}}',
    "a back reference": '{"version":"1","default":"allow","tools":{"order":{"require":[{"conditions":'
    '[{"path":"args.note","op":"matches","value":"(a)\\\\1"}]}]}}}',
    "a pattern too large": '{"version":"1","default":"allow","tools":{"order":{"require":[{"conditions":'
    '[{"path":"args.note","op":"matches","value":"((a{100}){100}){100}"}]}]}}}',
    "a path that no schema knows": '{"version":"1","default":"allow","tools":{"order":{"deny_if":[{"conditions":'
    '[{"path":"args.quantity","op":"gt","value":1}]}]}}}',
    "an entry without conditions": '{"version":"1","default":"allow","tools":{"order":{"deny_if":[{}]}}}',
    "a limit below zero": '{"version":"1","default":"allow","all_tools":{"limits":'
    '[{"counter":"c","window":60,"max":-1}]}}',
    "a number that changes": '{"version":"1","default":"allow","tools":{"order":{"deny_if":[{"conditions":'
    '[{"path":"args.qty","op":"gt","value":NaN}]}]}}}',
    "a list": '[{"version":"1","default":"allow"}]',
    "two documents": '{"version":"1","default":"allow"}{"version":"1","default":"deny"}',
    "a mark before it": '\ufeff{"version":"1","default":"allow"}',
    "a comment": '{"version":"1","default":"allow"/* all */}',
    "a trailing comma": '{"version":"1","default":"allow",}',
    "nothing": "",
    "null": "null",
    "thousands deep": "[" * 100_000,
}


def _document(**members: Any) -> str:
    return json.dumps({**OPEN, **members})


# What is valid and empty: each with what a call of `order` gets.
EMPTY_DOCUMENTS: Final[dict[str, tuple[str, Answer]]] = {
    "an empty hide": (_document(hide=[]), passes()),
    "an empty rule": (_document(tools={"order": {}}), passes("/tools/order")),
    "empty deny_if": (_document(tools={"order": {"deny_if": []}}), passes("/tools/order")),
    "empty conditions of deny_if": (
        _document(tools={"order": {"deny_if": [{"conditions": [], "on_deny": "No."}]}}),
        denied("/tools/order/deny_if/0"),
    ),
    "an empty in": (
        _document(tools={"order": {"require": [{"conditions": [{"path": "args.symbol", "op": "in", "value": []}]}]}}),
        denied("/tools/order/require/0"),
    ),
    "patterns one within the other": (
        _document(tools={"ord*": {"action": "deny"}, "o*": {}}),
        denied("/tools/ord*"),
    ),
    "a hide and a rule": (_document(hide=["order"], tools={"order": {}}), Answer(200, -32602, "(hidden)")),
}
DOCUMENTS: Final[dict[str, str | None]] = {
    **PLAIN_DOCUMENTS,
    **NO_DOCUMENTS,
    **{what: text for what, (text, _) in EMPTY_DOCUMENTS.items()},
}
ORDER: Final = call('{"symbol":"BTCUSDT","qty":1}')

ROWS: Final = (
    *(_note(what, WORD, "word", note) for what, note in NOT_A_WORD.items()),
    _note("fine", passes("/tools/word"), "word", "good"),
    _note("at the end", TAIL, "tail", "my secret"),
    _note("on a line of its own", TAIL, "tail", "my\nsecret"),
    _note("fine: a line feed after", passes("/tools/tail"), "tail", "secret\n"),
    _note("fine: more after", passes("/tools/tail"), "tail", "secrets"),
    _note("a catastrophe that does not match", passes("/tools/slow"), "slow", "a" * 5_000, SECONDS),
    _note("a catastrophe that matches", denied("/tools/slow/deny_if/0"), "slow", "a" * 5_000 + "b", SECONDS),
    _note("a catastrophe that fails", SLOWER, "slower", "a" * 5_000 + "!", SECONDS),
    _note("a catastrophe of a megabyte", passes("/tools/slow"), "slow", "a" * 1_000_000, SECONDS),
    _note("a catastrophe of a megabyte that fails", SLOWER, "slower", "a" * 1_000_000 + "!", SECONDS),
    _note("more steps than a decision may take", denied("/tools/wide/deny_if/0"), "wide", "a" * 1_000_000, SECONDS),
    _note("fine: fewer steps", passes("/tools/wide"), "wide", "a" * 1_000, SECONDS),
    *(Row(12, what, NO_POLICY, ORDER, what) for what in NO_DOCUMENTS),
    *(Row(12, f"fine: {what}", answer, ORDER, what) for what, (_, answer) in EMPTY_DOCUMENTS.items()),
)
