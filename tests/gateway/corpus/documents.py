"""The corpus: JSON-RPC calls as odd programs write them, some by hand and the rest from a seed; always the same."""

import json
from random import Random
from typing import Final

COUNT: Final = 400
SEED: Final = 20261122

_HEAD: Final = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"placeOrder","arguments":'

# Written as values of arguments; every one of them is read by somebody.
VALUES: Final = (
    *('{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"":1,"":2}', '{"__proto__":1,"__proto__":2}', '{"a":{"b":1,"b":1}}'),
    *('{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":1e400}', '{"a":-1e400}', '{"a":1e-400}', '{"a":-0}'),
    *('{"a":9007199254740993}', '{"a":9007199254740992}', '{"a":-9007199254740993}', '{"a":18446744073709551615}'),
    *('{"a":18446744073709551616}', '{"a":9223372036854775807}', '{"a":9223372036854775808}', '{"a":1e22}'),
    *('{"a":9007199254740993.0}', '{"a":0.1}', '{"a":0.10000000000000000555}', '{"a":1e23}', '{"a":123456789e-5}'),
    *('{"a":4.9e-324}', '{"a":2e-324}', '{"a":1.7976931348623157e308}', '{"a":1.7976931348623159e308}', '{"a":0e400}'),
    *(
        '{"a":0e-400}',
        '{"a":-0.0}',
        '{"a":1.0}',
        '{"a":1E+2}',
        '{"a":100e-2}',
        '{"a":1.50}',
        '{"a":0.30000000000000004}',
    ),
    *('{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":5.}', '{"a":0x10}', '{"a":1_000}', '{"a":\uff11}', '{"a":1n}'),
    *('{"a":"\\ud83d\\ude00"}', '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"\\ud800":1}', '{"a":"\\u0000"}'),
    *('{"a":"\U0001f600"}', '{"a":"\x7f"}', '{"a":"\u2028\u2029"}', '{"a":"\ufeff"}', '{"a":"\x01"}', '{"a":"\n"}'),
    *(
        '{"a":"\\/\\b\\f\\n\\r\\t\\"\\\\"}',
        '{"a":"\\x41"}',
        '{"a":"\\u41"}',
        "{'a':1}",
        "{a:1}",
        '{"a":1,}',
        '{"a":[1,]}',
    ),
    *('{"a":1/**/}', '{"a":undefined}', '{"a":True}', '{"a":nul}', '{"a":"tab\there"}', '{"2":1,"1":2,"10":3}'),
    *('{"a":1,"A":2}', '{"\u00e9":1,"e\u0301":2}', '{"constructor":1,"toString":{"x":1}}', '{"a.b":1,"a":{"b":2}}'),
    *('{"a":' + "[" * 25 + "]" * 25 + "}", '{"a":' + "[" * 60 + "]" * 60 + "}", '{"a":' + "1" * 400 + "}", "{}", "[]"),
    *('{"a":"' + "x" * 70_000 + '"}', '{"a":[' + "0," * 9_999 + "0]}", "{" + '"k":1,' * 3 + '"k":1}', "null", '"{}"'),
)
# Written around a plain call.
AROUND: Final = (
    *(
        "\ufeffCALL",
        "CALL\ufeff",
        " CALL ",
        "\r\n\tCALL\r\n",
        "\x0cCALL",
        "\u00a0CALL",
        "[CALL]",
        "CALLCALL",
        "CALL\nCALL",
    ),
    *("CALL x", "CALL\x00", ")]}',CALL", '{"x":CALL}', "CALL,", "//\nCALL", "CALL//", "\x1eCALL", "(CALL)", "[[CALL]]"),
)
# Beside the members of the call.
BESIDE: Final = (
    *(',"id":2', ',"method":"ping"', ',"\\u006dethod":"ping"', ',"params":{}', ',"Method":"ping"', ',"METHOD":"x"'),
    *(',"x":{"a":1,"a":2}', ',"x":[1e400]', ',"x":1', ',"param\u017f":1', ',"jsonrpc":"1.0"', ',"x":NaN', ',"":0'),
)
# UTF-8 that is none, inside a text of the arguments.
BYTES: Final = (
    *(
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\x80",
        b"\xc3\xa9",
        b"\xf0\x9f\x98\x81",
    ),
)


def write_documents() -> list[bytes]:
    """All documents, in their order."""
    plain = _HEAD + '{"a":1}}}'
    found = [f"{_HEAD}{value}}}}}".encode() for value in VALUES]
    found += [around.replace("CALL", plain).encode() for around in AROUND]
    head, _, tail = plain.partition(',"params"')
    found += [f'{head}{beside},"params"{tail}'.encode() for beside in BESIDE]
    found += [f'{_HEAD}{{"a":"?"}}}}}}'.encode().replace(b"?", raw) for raw in BYTES]
    random = Random(SEED)
    while len(found) < COUNT:
        document = f"{_HEAD}{_Writer(random).write_object(0)}}}}}".encode()
        if document not in found:
            found.append(document)
    return found


class _Writer:
    """Writes one value; about every third document gets something that parsers read differently, or not at all."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.is_wicked = random.random() < 0.5

    def write_object(self, depth: int) -> str:
        members = [f"{self._key()}{self._space()}:{self._space()}{self._value(depth)}" for _ in range(self._many())]
        if self.is_wicked and members and self.random.random() < 0.3:
            members.append(self.random.choice(members))
        return "{" + f",{self._space()}".join(members) + self._space() + "}"

    def _value(self, depth: int) -> str:
        kind = self.random.randrange(10 if depth < 6 else 7)
        if kind < 3:
            return self._number()
        if kind < 5:
            return self._text()
        if kind < 7:
            return self.random.choice(["null", "true", "false", "0", '""', "[]", "{}"])
        if kind < 9:
            return self.write_object(depth + 1)
        return "[" + ",".join(self._value(depth + 1) for _ in range(self._many())) + "]"

    def _number(self) -> str:
        if self.is_wicked and self.random.random() < 0.3:
            digits = self.random.randrange(10**17, 10**25)
            return self.random.choice([str(digits), f"0.{digits}", f"{digits}e{self.random.randint(-400, 400)}"])
        whole = str(self.random.randrange(10 ** self.random.randint(1, 15)))
        fraction = f".{self.random.randrange(10_000)}" if self.random.random() < 0.4 and len(whole) < 10 else ""
        exponent = self.random.choice(
            ["", "", "", f"e{self.random.randint(-20, 20)}", f"E+{self.random.randint(0, 9)}"]
        )
        return self.random.choice(["", "-"]) + whole + fraction + exponent

    def _text(self) -> str:
        plain = "".join(self.random.choice(_LETTERS) for _ in range(self._many() * 2))
        text = json.dumps(plain, ensure_ascii=self.random.random() < 0.5)
        if self.random.random() < 0.2:
            text = text[:-1] + f"\\u{self.random.randrange(0x20, 0x2FFF):04x}" + '"'
        if self.is_wicked and self.random.random() < 0.15:
            text = text[:-1] + self.random.choice(["\\ud83d", "\\udead", "\x02", "\\q", "\t"]) + '"'
        return text

    def _key(self) -> str:
        return self._text() if self.random.random() < 0.3 else f'"k{self.random.randrange(1000)}"'

    def _space(self) -> str:
        return self.random.choice(["", "", "", " ", "\n", "\t \r\n"])

    def _many(self) -> int:
        return self.random.randint(0, 5)


_LETTERS: Final = 'ab"\\/ \u00e9\u017f\u212a\u4e2d\u200b\u2028\U0001f600\ufffd\x7f\n\x00'
