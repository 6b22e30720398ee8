"""Items 3 and 4: numbers that are none, or others to other parsers; arguments that are missing, extra or bad in one
place."""

from typing import Final

from tests.gateway.hostile.row import BAD_JSON, NO_MESSAGE, Answer, Row, call, denied, passes

NO_NUMBERS: Final = {
    "NaN": "NaN", "Infinity": "Infinity", "minus Infinity": "-Infinity", "1e400": "1e400", "-1e400": "-1e400",
    "1e-400": "1e-400", "2^53+1": "9007199254740993", "-(2^53+1)": "-9007199254740993",
    "2^64-1": "18446744073709551615", "10^30+1": "1000000000000000000000000000001",
    "-0": "-0", "2^53+1 with a fraction": "9007199254740993.0", "2^53+1 with an exponent": "9007199254740993e0",
    "more digits than a double": "0.10000000000000000555", "a little over 100": "100.00000000000000000001",
    "a very long number": "1" * 5000, "a very long fraction": "1." + "0" * 5000,
    "a very long exponent": "1e" + "0" * 99,
    "leading zero": "01", "minus leading zero": "-01", "plus sign": "+1", "no digit before the point": ".5",
    "no digit after the point": "5.", "no exponent": "1e", "two signs": "--1", "two points": "1.2.3",
    "fullwidth digits": "\uff11\uff10\uff10", "Arabic digits": "\u0661\u0662", "underscore digits": "1_000",
    "comma digits": "1,000", "hexadecimal": "0x10", "octal": "0o17", "binary": "0b1", "big integer": "100n",
    "decimal suffix": "100m",
}  # fmt: skip
FINE_NUMBERS: Final = {
    "2^53": "9007199254740992", "2^64": "18446744073709551616", "2^63": "9223372036854775808",
    "minus 2^63": "-9223372036854775808", "10^21": "1000000000000000000000", "0.1": "0.1", "-1.5e-7": "-1.5e-7",
    "100.00": "100.00", "1e300": "1e300", "1E+2": "1E+2", "0e0": "0e0", "0.0": "0.0", "-0.0": "-0.0",
    "the smallest": "5e-324", "the largest": "1.7976931348623157e308", "2^53 with an exponent": "9007199254740992e0",
}  # fmt: skip
# order: symbol is one of two, qty at most 100.
QTY: Final = "/tools/order/require/1"
OVER: Final = {
    "over": "100.5", "just over": "100.00000000000001", "text over": '"100.5"', "1e9 as text": '"1e9"',
    "1E3 as text": '"1E3"', "plus over as text": '"+101"', "just over as text": '"100.00000000000000000000000001"',
    "2^53+1 as text": '"9007199254740993"',
}  # fmt: skip
NOT_COMPARABLE: Final = {
    "true": "true", "false": "false", "null": "null", "list": "[1]", "empty list": "[]", "object": '{"value":1}',
    "empty text": '""', "spaces around": '" 100 "', "space after": '"100 "', "line feed after": '"100\\n"',
    "fullwidth text": '"\uff11\uff10\uff10"', "Arabic text": '"\u0661"', "underscores": '"1_000"',
    "comma": '"1,000"',
    "hexadecimal text": '"0x10"', "NaN as text": '"NaN"', "Infinity as text": '"-Infinity"',
    "1e9999 as text": '"1e9999"',
    "no digit before the point as text": '".5"', "no digit after the point as text": '"5."', "two numbers": '"1 2"',
    "a unit": '"1 BTC"', "minus only": '"-"', "Unicode minus": '"\u22121"', "NUL after": '"1\\u0000"',
}  # fmt: skip
WITHIN: Final = {
    "whole": "100", "with zeros": "100.00", "exponent": "1e2", "as text": '"100"', "exponent as text": '"1e2"',
    "plus as text": '"+100"', "zeros as text": '"000100.000"', "below zero": "-5", "tiny as text": '"1e-999"',
}  # fmt: skip


def order(qty: str, symbol: str = '"BTCUSDT"') -> bytes:
    return call(f'{{"symbol":{symbol},"qty":{qty}}}')


def guarded(item: int, what: str, answer: Answer, tool: str, arguments: str) -> Row:
    return Row(item, f"{tool}: {what}", answer, call(arguments, tool=tool), policy="guarded")


BTC, DOGE = '{"symbol":"BTCUSDT"}', '{"symbol":"DOGEUSDT"}'
BATCH: Final = {
    "one bad element": f'{{"legs":[{BTC},{DOGE},{BTC}]}}',
    "the last one bad": '{"legs":[' + f"{BTC}," * 500 + f"{DOGE}]}}",
    "an element without it": f'{{"legs":[{BTC},{{}}]}}',
    "an element that is null": f'{{"legs":[{BTC},null]}}',
    "an element that is a text": f'{{"legs":[{BTC},"BTCUSDT"]}}',
    "an element that is a list": f'{{"legs":[{BTC},[{BTC}]]}}',
    "a symbol in a list": '{"legs":[{"symbol":["BTCUSDT"]}]}',
    "an empty list": '{"legs":[]}',
    "no list": "{}",
    "null": '{"legs":null}',
    "an object for a list": '{"legs":{"0":{"symbol":"BTCUSDT"}}}',
    "one element without the list": f'{{"legs":{BTC}}}',
    "a list as text": '{"legs":"[{\\"symbol\\":\\"BTCUSDT\\"}]"}',
    "beside the list": '{"symbol":"BTCUSDT"}',
    "a dotted key": '{"legs[*].symbol":"BTCUSDT","legs[0].symbol":"BTCUSDT"}',
}
NESTED: Final = {
    "a dotted key": '{"where.symbol":"BTCUSDT"}',
    "at the top": '{"symbol":"BTCUSDT"}',
    "too deep": '{"where":{"where":{"symbol":"BTCUSDT"}}}',
    "in a list": '{"where":[{"symbol":"BTCUSDT"}]}',
    "as text": '{"where":"{\\"symbol\\":\\"BTCUSDT\\"}"}',
    "null": '{"where":null}',
    "other case": '{"where":{"Symbol":"BTCUSDT"}}',
}
SYMBOL: Final = {
    "missing": '{"qty":1}',
    "no arguments": "{}",
    "null": '{"symbol":null,"qty":1}',
    "list": '{"symbol":["BTCUSDT"],"qty":1}',
    "other case": '{"symbol":"btcusdt","qty":1}',
    "space after": '{"symbol":"BTCUSDT ","qty":1}',
    "NUL after": '{"symbol":"BTCUSDT\\u0000","qty":1}',
    "line feed after": '{"symbol":"BTCUSDT\\n","qty":1}',
    "Cyrillic letter": '{"symbol":"\u0412TCUSDT","qty":1}',
    "fullwidth letter": '{"symbol":"\uff22TCUSDT","qty":1}',
    "two with a comma": '{"symbol":"BTCUSDT,DOGEUSDT","qty":1}',
    "nested": '{"args":{"symbol":"BTCUSDT"},"qty":1}',
    "the key in other case": '{"Symbol":"BTCUSDT","qty":1}',
    "the key with a space": '{"symbol ":"BTCUSDT","qty":1}',
    "a dotted key": '{"args.symbol":"BTCUSDT","qty":1}',
    "in the prototype": '{"__proto__":{"symbol":"BTCUSDT"},"qty":1}',
}
PLAIN_REFUSALS: Final = (
    ("cap", "over", '{"symbol":"BTCUSDT","qty":101}', "/tools/cap/deny_if/0"),
    ("cap", "no number", '{"symbol":"BTCUSDT","qty":"lots"}', "/tools/cap/deny_if/0"),
    ("cap", "null", '{"symbol":"BTCUSDT","qty":null}', "/tools/cap/deny_if/0"),
    ("cap", "list", '{"symbol":"BTCUSDT","qty":[1]}', "/tools/cap/deny_if/0"),
    ("cap", "no symbol", '{"qty":1}', "/tools/cap/deny_if/1"),
    ("cap", "symbol in a list", '{"symbol":["BTCUSDT"],"qty":1}', "/tools/cap/deny_if/1"),
    ("every", "one bad element", f'{{"legs":[{BTC},{DOGE}]}}', "/tools/every/deny_if/0"),
    ("every", "reduceOnly as text", '{"legs":[{"symbol":"DOGEUSDT","reduceOnly":"true"}]}', "/tools/every/deny_if/0"),
    ("every", "reduceOnly as 1", '{"legs":[{"symbol":"DOGEUSDT","reduceOnly":1}]}', "/tools/every/deny_if/0"),
    ("every", "two elements that would share", f'{{"legs":[{DOGE},{{"reduceOnly":true}}]}}', "/tools/every/deny_if/0"),
    ("dotted", "nested instead of dotted", '{"a":{"b":"yes"}}', "/tools/dotted/require/0"),
    ("dotted", "missing", "{}", "/tools/dotted/require/0"),
    ("flag", "1 for true", '{"flag":1}', "/tools/flag/require/0"),
    ("flag", "true as text", '{"flag":"true"}', "/tools/flag/require/0"),
    ("flag", "missing", "{}", "/tools/flag/require/0"),
    ("one", "1", '{"flag":1}', "/tools/one/deny_if/0"),
    ("one", "1.0", '{"flag":1.0}', "/tools/one/deny_if/0"),
    ("one", "1 as text", '{"flag":"1"}', "/tools/one/deny_if/0"),
    ("one", "true for 1", '{"flag":true}', "/tools/one/deny_if/0"),
    ("pair", "two that differ", '{"symbol":"a","side":"b"}', "/tools/pair/require/0"),
    ("pair", "both missing", "{}", "/tools/pair/require/0"),
    ("pair", "one missing", '{"symbol":"a"}', "/tools/pair/require/0"),
    ("some", "missing", "{}", "/tools/some/require/0"),
    ("ask", "waits for a person", "{}", "/tools/ask"),
    ("asked", "waits for a person", '{"qty":101}', "/tools/asked/approve_if/0"),
    ("asked", "no number", '{"qty":"lots"}', "/tools/asked/approve_if/0"),
    ("counted", "an amount", '{"qty":1}', "/tools/counted/limits/0"),
    ("counted", "no amount", "{}", "/tools/counted/limits/0"),
    ("counted", "below zero", '{"qty":-1}', "/tools/counted/limits/0"),
    ("counted", "no number", '{"qty":"1_000"}', "/tools/counted/limits/0"),
    ("stopped", "denied", "{}", "/tools/stopped"),
    ("orderAll", "not named", "{}", "(default)"),
)
PLAIN_TWINS: Final = (
    ("cap", "within", '{"symbol":"BTCUSDT","qty":"100"}'),
    ("cap", "no qty", '{"symbol":"BTCUSDT"}'),
    ("batch", "good elements", f'{{"legs":[{BTC},{BTC}]}}'),
    ("batch", "good elements and more", '{"legs":[{"symbol":"ETHUSDT","extra":[1]}],"symbol":"DOGEUSDT"}'),
    ("every", "reduceOnly", '{"legs":[{"symbol":"DOGEUSDT","reduceOnly":true}]}'),
    ("every", "an empty list", '{"legs":[]}'),
    ("nested", "in its place", '{"where":{"symbol":"ETHUSDT","x":1},"symbol":"DOGEUSDT"}'),
    ("dotted", "in its place", '{"a.b":"yes","a":{"b":"no"}}'),
    ("flag", "true", '{"flag":true}'),
    ("one", "2", '{"flag":2}'),
    ("pair", "two alike", '{"symbol":"a","side":"a"}'),
    ("pair", "two alike as numbers", '{"symbol":"1.0","side":"1"}'),
    ("some", "null counts as present", '{"note":null}'),
    ("asked", "little", '{"qty":100}'),
)

ROWS: Final = (
    *(Row(3, what, BAD_JSON, order(token)) for what, token in NO_NUMBERS.items()),
    *(Row(3, f"fine: {what}", passes(), order(token)) for what, token in FINE_NUMBERS.items()),
    *(Row(3, f"order: {what}", denied(QTY), order(token), policy="guarded") for what, token in OVER.items()),
    *(Row(3, f"order: {what}", denied(QTY), order(token), policy="guarded") for what, token in NOT_COMPARABLE.items()),
    *(
        Row(3, f"order, fine: {what}", passes("/tools/order"), order(token), policy="guarded")
        for what, token in WITHIN.items()
    ),
    guarded(3, "missing", denied(QTY), "order", '{"symbol":"BTCUSDT"}'),
    *(guarded(4, f"symbol {what}", denied("/tools/order/require/0"), "order", text) for what, text in SYMBOL.items()),
    *(guarded(4, what, denied("/tools/batch/require/0"), "batch", text) for what, text in BATCH.items()),
    *(guarded(4, what, denied("/tools/nested/require/0"), "nested", text) for what, text in NESTED.items()),
    *(guarded(4, what, denied(rule), tool, text) for tool, what, text, rule in PLAIN_REFUSALS),
    *(guarded(4, f"fine, {what}", passes(f"/tools/{tool}"), tool, text) for tool, what, text in PLAIN_TWINS),
    guarded(4, "fine, extra arguments", passes("/tools/order"), "order", '{"symbol":"BTCUSDT","qty":1,"x":{"y":[1]}}'),
    Row(4, "arguments list", NO_MESSAGE, call("[]")),
    Row(4, "arguments string", NO_MESSAGE, call('"{}"')),
    Row(4, "arguments number", NO_MESSAGE, call("0")),
    Row(4, "arguments false", NO_MESSAGE, call("false")),
)
