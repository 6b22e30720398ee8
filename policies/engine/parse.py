"""From the text of a policy to its parsed form, or to what is wrong with it. Strict, bounded, and it never raises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policies.engine.check import check_policy
from policies.engine.grammar import FAMILIES, METHODS, POLICY, RISK, SWITCH
from policies.engine.parse_rules import read_all_tools, read_rule
from policies.engine.policy import Clauses, Methods, Policy, Rule
from policies.engine.problems import Place, Problem, Problems, quote
from policies.engine.reader import Document, ReadError, count_place, read_document
from policies.engine.tools import ToolFacts
from policies.engine.values import Level

__all__ = ["Parsed", "Problem", "parse_policy"]

_SWITCH_ALIASES: Final = {"block": "deny", "reject": "deny", "permit": "allow"}
_JUDGED_METHODS: Final = ("tools/call", "tools/list")


@dataclass(frozen=True)
class Parsed:
    """The outcome of parsing: a policy exactly when there are no errors. Warnings never stop a save."""

    policy: Policy | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def parse_policy(text: str, tools: Mapping[str, ToolFacts]) -> Parsed:
    """Parse a policy document and check it against the tools of the server it is for.

    Refused (as errors): what is not strict JSON of at most 256 KiB and 32 levels; duplicate and unknown keys; unknown
    operators, actions and scopes; wrong types; argument paths and enum values that the schema of a named tool does not
    know; patterns that tie; one counter charged with two amounts. Never raises, whatever the text.
    """
    try:
        document = read_document(text)
    except ReadError as error:
        line, column = count_place(text, error.offset)
        return Parsed(None, (Problem("", error.message, "", line, column),), ())
    problems = Problems(document)
    for pointer, offset in document.duplicates:
        line, column = count_place(text, offset)
        problems.add_error(pointer, f"This key stands twice in its object (again in line {line}, column {column}).")
    policy = _read_policy(document, problems)
    check_policy(policy, tools, problems)
    errors = problems.errors
    return Parsed(None if errors else policy, errors, problems.warnings)


def _read_policy(document: Document, problems: Problems) -> Policy:
    root = Place(document.root, "", problems)
    fields = root.read_fields(POLICY, required=("version", "default"))
    if fields is None:
        return Policy()
    if "version" in fields and fields["version"].node.value != "1":
        fields["version"].error('The only version is "1", in quotes.', '"1"')
    default = fields["default"].read_word(SWITCH, _SWITCH_ALIASES) if "default" in fields else None
    return Policy(
        is_default_allow=default == "allow",
        description=(fields["description"].read_text() if "description" in fields else "") or "",
        hide=_read_names(fields["hide"]) if "hide" in fields else (),
        methods=_read_methods(fields["methods"]) if "methods" in fields else Methods(),
        risk=_read_risk(fields["risk"]) if "risk" in fields else {},
        all_tools=read_all_tools(fields["all_tools"]) if "all_tools" in fields else Clauses(),
        tools=_read_tools(fields["tools"]) if "tools" in fields else {},
    )


def _read_names(place: Place) -> tuple[str, ...]:
    names: list[str] = []
    for child in place.read_list():
        name = child.read_text()
        if name == "":
            child.error("A name or pattern is expected here.")
        elif name is not None:
            names.append(name)
    return tuple(names)


def _read_methods(place: Place) -> Methods:
    fields = place.read_fields(METHODS)
    if fields is None:
        return Methods()
    is_open = {
        family: family not in fields or fields[family].read_word(SWITCH, _SWITCH_ALIASES) == "allow"
        for family in FAMILIES
    }
    extra = _read_names(fields["extra"]) if "extra" in fields else ()
    for child in fields["extra"].read_list() if "extra" in fields else ():
        name = child.node.value
        if name in _JUDGED_METHODS:
            child.error(f"{name} is always judged; it cannot be let through.")
        elif isinstance(name, str) and "*" in name:
            child.error(f"{quote(name)} is a pattern; methods are named one by one.")
    return Methods(**is_open, extra=frozenset(extra))


def _read_risk(place: Place) -> dict[Level, Rule]:
    fields = place.read_fields(RISK) or {}
    rules = {Level(name): read_rule(child) for name, child in fields.items()}
    return {level: rule for level, rule in rules.items() if rule is not None}


def _read_tools(place: Place) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for name, child in place.read_members().items():
        rule = read_rule(child)
        if name == "":
            child.error("A tool name or pattern is expected as the key.")
        if rule is not None:
            rules[name] = rule
    return rules
