"""What a tool's input schema says of a path: whether it is known, its enum, its type, its default. Schemas come from
upstream servers, so any shape of them is survived, and what they leave open counts as known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from policies.engine.paths import Path, Root, Step, Wild
from policies.engine.values import JSON, MISSING, Found, is_same_json

Schema: TypeAlias = Mapping[str, object]

_MAX_NODES: Final = 64
_ANYTHING: Final[Schema] = {}
_COMBINED: Final = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at the end of a path.

    `failed_at` is the number of the step that the schema does not know (-1: it knows them all) and `near` the names it
    knows there. `is_optional` says that the argument may be left out and has no default. `defaults` has one entry a
    step.
    """

    nodes: tuple[Schema, ...]
    defaults: tuple[Found, ...]
    failed_at: int = -1
    near: tuple[str, ...] = ()
    is_optional: bool = True

    @property
    def is_known(self) -> bool:
        return self.failed_at < 0


def look_up(root: Schema, path: Path, each: Path | None = None) -> Look:
    """Follow a path through a tool's input schema; `item` paths start at the elements of `each`."""
    nodes: tuple[Schema, ...] = (root,)
    if path.root is Root.ITEM and each is not None:
        # Of an unknown list nothing is known; the list itself is what gets reported.
        nodes = look_up(root, each).nodes or (_ANYTHING,)
    defaults: list[Found] = []
    is_optional = False
    for index, step in enumerate(path.steps):
        level = _expand(nodes, root)
        nodes, names, is_open = _enter(level, step)
        nodes = (*nodes, _ANYTHING) if is_open else nodes
        if not nodes:
            return Look((), (), index, names)
        default = _find_default(nodes, root) if isinstance(step, str) else MISSING
        defaults.append(default)
        is_optional = is_optional or (default is MISSING and not _is_required(level, step))
    return Look(nodes, tuple(defaults), is_optional=is_optional)


def list_enum(look: Look, root: Schema) -> tuple[object, ...] | None:
    """The values that a schema allows at the end of a path; None when it does not list them."""
    values: list[object] = []
    for node in _expand(look.nodes, root):
        enum, const = node.get("enum"), node.get("const", MISSING)
        if isinstance(enum, list):
            values.extend(enum)
        elif const is not MISSING:
            values.append(const)
        elif node.get("type") != "null":
            return None
    return tuple(_clean(value) for value in values) if values else None


def list_types(look: Look, root: Schema) -> frozenset[str] | None:
    """The JSON types that a schema allows at the end of a path; None when it does not say."""
    types: set[str] = set()
    for node in _expand(look.nodes, root):
        found = _read_types(node)
        if found is None:
            return None
        types |= found
    return frozenset(types) if types else None


def list_default_keys(root: Schema) -> frozenset[str]:
    """The arguments that have a default or something inside that may; paths elsewhere need no look at defaults."""
    found: set[str] = set()
    for node in _expand((root,), root):
        for key, inner in _read_properties(node).items():
            if isinstance(inner, Mapping) and _may_have_default(inner):
                found.add(key)
    return frozenset(found)


def _may_have_default(node: Schema) -> bool:
    plain = {"type", "enum", "const", "description", "title", "minimum", "maximum", "minLength", "maxLength"}
    return not plain.issuperset(node)


def _expand(nodes: Iterable[Schema], root: Schema) -> list[Schema]:
    """The alternatives behind `$ref`, `anyOf`, `oneOf` and `allOf`, with a bound against cycles."""
    found: list[Schema] = []
    waiting = list(nodes)
    seen = 0
    while waiting and seen < _MAX_NODES:
        node = waiting.pop(0)
        seen += 1
        inner = [part for key in _COMBINED for part in _read_schemas(node.get(key))]
        target = _resolve(node.get("$ref"), root)
        if target is not None:
            inner.append(target)
        waiting.extend(inner)
        if not inner or "properties" in node or "items" in node or "enum" in node:
            found.append(node)
    # Schemas that only refer to each other say nothing.
    return found or [_ANYTHING]


def _resolve(reference: object, root: Schema) -> Schema | None:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    node: object = root
    for part in reference[2:].split("/"):
        node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else None


def _read_schemas(value: object) -> list[Schema]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _read_properties(node: Schema) -> Mapping[str, object]:
    properties = node.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _read_types(node: Schema) -> frozenset[str] | None:
    named = node.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(name for name in named if isinstance(name, str))
    return None


def _enter(level: list[Schema], step: Step) -> tuple[tuple[Schema, ...], tuple[str, ...], bool]:
    """One step down: the schemas there, the names that were known instead, and whether anything may be there."""
    nodes: list[Schema] = []
    names: list[str] = []
    is_open = False
    for node in level:
        types = _read_types(node)
        if types is not None and ("object" if isinstance(step, str) else "array") not in types:
            continue
        inner = _enter_object(node, step) if isinstance(step, str) else _enter_list(node, step)
        if isinstance(step, str):
            names.extend(str(name) for name in _read_properties(node))
        if inner is not None:
            nodes.append(inner)
        elif _is_open(node, step):
            is_open = True
    return tuple(nodes), tuple(names), is_open


def _enter_object(node: Schema, step: str) -> Schema | None:
    inner = _read_properties(node).get(step)
    if inner is None:
        inner = node.get("additionalProperties")
    return inner if isinstance(inner, Mapping) else None


def _enter_list(node: Schema, step: int | Wild) -> Schema | None:
    fixed = node.get("prefixItems")
    if isinstance(step, int) and isinstance(fixed, list) and step < len(fixed):
        inner = fixed[step]
    else:
        inner = node.get("items")
    return inner if isinstance(inner, Mapping) else None


def _is_open(node: Schema, step: Step) -> bool:
    if not isinstance(step, str):
        return node.get("items") is not False
    if step in _read_properties(node) or node.get("additionalProperties") is True or "patternProperties" in node:
        return True
    return not isinstance(node.get("properties"), Mapping) and node.get("additionalProperties") is not False


def _is_required(level: list[Schema], step: Step) -> bool:
    if not isinstance(step, str):
        # An element of a list is there or not; what it lacks is said of its own keys.
        return isinstance(step, Wild)
    knowing = [node for node in level if step in _read_properties(node)]
    return bool(knowing) and all(_names(node.get("required"), step) for node in knowing)


def _names(required: object, key: str) -> bool:
    return isinstance(required, list) and key in required


def _find_default(nodes: tuple[Schema, ...], root: Schema) -> Found:
    """The default that all alternatives agree on."""
    found: list[Found] = []
    for node in nodes:
        target = _resolve(node.get("$ref"), root)
        default = node.get("default", target.get("default", MISSING) if target is not None else MISSING)
        found.append(_clean(default))
    is_agreed = bool(found) and all(is_same_json(found[0], other) for other in found[1:])
    return found[0] if is_agreed else MISSING


def _clean(value: object) -> Found:
    return MISSING if value is MISSING else _as_json(value)


def _as_json(value: object) -> JSON:
    """A schema's own value as the engine holds values. Schemas may come out of a store that knows floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _as_json(part) for key, part in value.items()}
    return value if isinstance(value, (bool, int, str, Decimal)) else None
