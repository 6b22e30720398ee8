"""What two definitions of one tool differ in, in words that matter to a policy. Pure: reads no row and judges nothing.

Whatever is not known here by name is said to have changed by its key, so that no difference goes unsaid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.engine.paths import EACH, Path, Root, Step
from policies.engine.values import JSON, is_same_json
from servers.fingerprint import write_json
from servers.upstream.exchange import escape_invisible

MAX_SHOWN: Final = 160
_BOUNDS: Final = frozenset({
    "const", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minimum", "multipleOf", "pattern", "uniqueItems",
})  # fmt: skip
_SAID_APART: Final = frozenset({
    "additionalProperties", "default", "description", "enum", "items", "properties", "required", "title", "type",
})  # fmt: skip
_Schema = Mapping[str, JSON]


class ChangeKind(StrEnum):
    """`text` changes what is read and not what can be called; `tighter` and `wider` change what a call may hold."""

    ADDED = "added"
    REMOVED = "removed"
    TIGHTER = "tighter"
    WIDER = "wider"
    CHANGED = "changed"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is the argument as policies write it, empty for the tool itself; `before` and `after` are
    there where the texts themselves have to be read."""

    kind: ChangeKind
    text: str
    path: str = ""
    steps: tuple[Step, ...] = ()
    before: str = ""
    after: str = ""


def list_changes(before: _Schema, after: _Schema) -> tuple[Change, ...]:
    """Every difference between two definitions of a tool, those of its arguments first; empty for equal ones."""
    if is_same_json(dict(before), dict(after)) is True:
        return ()
    found = list(_compare_schemas(_mapping(before.get("inputSchema")), _mapping(after.get("inputSchema")), ()))
    found += _compare_annotations(before, after)
    for key in sorted({*before, *after} - {"inputSchema", "annotations"}):
        if _differs(before, after, key):
            found.append(_say_part(before, after, key))
    return tuple(found)


def _compare_schemas(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Iterator[Change]:
    """One place of the arguments and all below it."""
    yield from _compare_own(before, after, steps)
    yield from _compare_properties(before, after, steps)
    yield from _compare_required(before, after, steps)
    if _mapping(before.get("items")) and _mapping(after.get("items")):
        yield from _compare_schemas(_mapping(before.get("items")), _mapping(after.get("items")), (*steps, EACH))
    elif _differs(before, after, "items"):
        yield _change(ChangeKind.CHANGED, "holds other elements now.", steps)


def _compare_properties(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Iterator[Change]:
    old, new = before.get("properties", {}), after.get("properties", {})
    if not isinstance(old, dict) or not isinstance(new, dict):
        if is_same_json(old, new) is not True:
            yield _change(ChangeKind.CHANGED, "has another “properties” in its schema.", steps)
        return
    required = _names(after.get("required"))
    for name in dict.fromkeys([*old, *new]):
        inner = (*steps, name)
        if name not in new:
            yield _change(ChangeKind.REMOVED, "is gone.", inner)
        elif name not in old:
            yield _change(ChangeKind.ADDED, _say_new(new[name], is_required=name in required), inner)
        elif isinstance(old[name], dict) and isinstance(new[name], dict):
            yield from _compare_schemas(_mapping(old[name]), _mapping(new[name]), inner)
        elif _differs(old, new, name):
            yield _change(ChangeKind.CHANGED, "has another schema.", inner)


def _compare_required(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Iterator[Change]:
    if not _differs(before, after, "required"):
        return
    was, now = _names(before.get("required")), _names(after.get("required"))
    old, new = _mapping(before.get("properties")), _mapping(after.get("properties"))
    for name in sorted(now - was):
        # Of an argument that is new or gone that is said already.
        if name in old or name not in new:
            yield _change(ChangeKind.TIGHTER, "must be given now (before: it could be left out).", (*steps, name))
    for name in sorted(was - now):
        if name in new or name not in old:
            yield _change(ChangeKind.WIDER, "may be left out now (before: it had to be given).", (*steps, name))
    if was == now:
        yield _change(ChangeKind.CHANGED, "has its “required” written otherwise.", steps)


def _compare_own(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Iterator[Change]:
    if _differs(before, after, "type"):
        yield _change(ChangeKind.CHANGED, _say_values("type", before, after), steps)
    yield from _compare_values(before, after, steps)
    for key in sorted(({*before, *after} & _BOUNDS) | ({*before, *after} & {"default"})):
        if _differs(before, after, key):
            yield _change(ChangeKind.CHANGED, _say_values(key, before, after), steps)
    if _differs(before, after, "additionalProperties"):
        yield _say_others(before, after, steps)
    for key in ("title", "description"):
        if _differs(before, after, key):
            texts = _show(before, key), _show(after, key)
            yield _change(ChangeKind.TEXT, f"has another {key}.", steps, texts)
    for key in sorted({*before, *after} - _BOUNDS - _SAID_APART):
        if _differs(before, after, key):
            yield _change(ChangeKind.CHANGED, f"has another “{_clean(key)}” in its schema.", steps)


def _compare_values(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Iterator[Change]:
    old, new = before.get("enum"), after.get("enum")
    if isinstance(old, list) and isinstance(new, list):
        more = [value for value in new if not _holds(old, value)]
        fewer = [value for value in old if not _holds(new, value)]
        if more:
            yield _change(ChangeKind.WIDER, f"takes {_list_values(more)} too.", steps)
        if fewer:
            yield _change(ChangeKind.TIGHTER, f"no longer takes {_list_values(fewer)}.", steps)
        if not more and not fewer and _differs(before, after, "enum"):
            yield _change(ChangeKind.TEXT, "lists the same values in another order.", steps)
    elif isinstance(new, list):
        yield _change(ChangeKind.TIGHTER, f"takes only {_list_values(new)} now (before: any value).", steps)
    elif isinstance(old, list):
        yield _change(ChangeKind.WIDER, f"takes any value now (before: only {_list_values(old)}).", steps)
    elif _differs(before, after, "enum"):
        yield _change(ChangeKind.CHANGED, "has another “enum” in its schema.", steps)


def _compare_annotations(before: _Schema, after: _Schema) -> list[Change]:
    old, new = before.get("annotations", {}), after.get("annotations", {})
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [Change(ChangeKind.CHANGED, "Its “annotations” changed.")] if is_same_json(old, new) is not True else []
    return [
        Change(ChangeKind.CHANGED, f"The server's hint {_clean(_say_values(key, old, new))}")
        for key in sorted({*old, *new})
        if _differs(old, new, key)
    ]


def _say_part(before: _Schema, after: _Schema, key: str) -> Change:
    if key == "description":
        text = "The description, which agents read and follow, changed."
        return Change(ChangeKind.TEXT, text, before=_show(before, key), after=_show(after, key))
    if key == "title":
        return Change(ChangeKind.TEXT, "Its title changed.", before=_show(before, key), after=_show(after, key))
    if key == "outputSchema":
        return Change(ChangeKind.CHANGED, "What it answers (outputSchema) changed.")
    return Change(ChangeKind.CHANGED, f"Its “{_clean(key)}” changed.")


def _say_new(schema: JSON, *, is_required: bool) -> str:
    inner = _mapping(schema)
    words = ["required" if is_required else "optional"]
    if "type" in inner:
        words.append(_show(inner, "type"))
    values = inner.get("enum")
    if isinstance(values, list):
        words.append(f"one of {_list_values(values)}")
    if "default" in inner:
        words.append(f"default {_show(inner, 'default')}")
    return f"is new: {', '.join(words)}."


def _say_values(key: str, before: _Schema, after: _Schema) -> str:
    name = "the default" if key == "default" else key
    return f"{name} is {_show(after, key) or 'not set'} now (before: {_show(before, key) or 'not set'})."


def _say_others(before: _Schema, after: _Schema, steps: tuple[Step, ...]) -> Change:
    # Left out means true (JSON Schema 2020-12, core 10.3.2.3).
    was, now = (schema.get("additionalProperties", True) is not False for schema in (before, after))
    if was and not now:
        return _change(ChangeKind.TIGHTER, "refuses arguments that its schema does not name, now.", steps)
    if now and not was:
        return _change(ChangeKind.WIDER, "takes arguments that its schema does not name, now.", steps)
    return _change(ChangeKind.CHANGED, "describes arguments that it does not name otherwise.", steps)


def _change(kind: ChangeKind, text: str, steps: tuple[Step, ...], texts: tuple[str, str] = ("", "")) -> Change:
    path = Path(Root.ARGS, steps).text
    return Change(kind, text, _clean(path), steps, *texts)


def _mapping(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _names(value: JSON) -> frozenset[str]:
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else frozenset()


def _differs(before: _Schema, after: _Schema, key: str) -> bool:
    if (key in before) != (key in after):
        return True
    return key in before and is_same_json(before[key], after[key]) is not True


def _holds(values: list[JSON], wanted: JSON) -> bool:
    return any(is_same_json(value, wanted) is True for value in values)


def _list_values(values: list[JSON]) -> str:
    return _clean(", ".join(write_json(value) for value in values)) or "nothing"


def _show(schema: _Schema, key: str) -> str:
    if key not in schema:
        return ""
    value = schema[key]
    is_prose = key in ("title", "description", "type") and isinstance(value, str)
    text = escape_invisible(value if is_prose and isinstance(value, str) else write_json(value))
    # A description is read whole: what is cut off could be what matters.
    return text if key == "description" else _cut(text)


def _clean(text: str) -> str:
    return _cut(escape_invisible(text))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
