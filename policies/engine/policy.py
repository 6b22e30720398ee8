"""A parsed policy as frozen values: what was written, with the JSON pointer of each part. It decides nothing."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from policies.engine.paths import Path
from policies.engine.values import JSON, Level, Scope


class Action(enum.StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    HIDE = "hide"
    REQUIRE_APPROVAL = "require_approval"


class Op(enum.StrEnum):
    EQ = "eq"
    NEQ = "neq"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    EXISTS = "exists"
    CONTAINS = "contains"
    MATCHES = "matches"
    REGEX = "regex"
    WITHIN = "within"


class Fold(enum.StrEnum):
    SUM = "sum"
    COUNT = "count"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Hours:
    """Days (0 is Monday) and minutes of the day in a time zone. An end before the start lies on the next day."""

    days: tuple[int, ...]
    start: int
    end: int
    tz: str


@dataclass(frozen=True, slots=True)
class PathAmount:
    path: Path


@dataclass(frozen=True, slots=True)
class FoldAmount:
    fold: Fold
    path: Path


@dataclass(frozen=True, slots=True)
class ProductAmount:
    left: Path
    right: Path


@dataclass(frozen=True, slots=True)
class AbsoluteAmount:
    inner: "Amount"


@dataclass(frozen=True, slots=True)
class Case:
    when: tuple["Condition", ...]
    amount: "Amount"


@dataclass(frozen=True, slots=True)
class ChoiceAmount:
    cases: tuple[Case, ...]


Amount: TypeAlias = PathAmount | FoldAmount | ProductAmount | AbsoluteAmount | ChoiceAmount


@dataclass(frozen=True, slots=True)
class Condition:
    """`subject op expected`. With `other` the comparison is with another argument, with `hours` it is `within`."""

    subject: Path | Amount
    op: Op
    expected: JSON = None
    other: Path | None = None
    hours: Hours | None = None
    # Left out of repr, which is_same_amount compares.
    pointer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Selector:
    """The tools that an entry of `all_tools` holds for: those named, or with `is_except` all others."""

    names: tuple[str, ...]
    is_except: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `require`, `deny_if` or `approve_if`. `each` ends in `[*]`."""

    pointer: str
    conditions: tuple[Condition, ...]
    each: Path | None = None
    on_deny: str = ""
    selector: Selector | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max` in any `window` seconds. Without `amount` it counts calls."""

    pointer: str
    counter: str
    window: int
    max: Decimal
    amount: Amount | None = None
    scope: Scope = Scope.GRANT
    on_deny: str = ""
    selector: Selector | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    pointer: str
    max: int
    window: int


@dataclass(frozen=True, slots=True)
class Clauses:
    """The argument rules and limits that a rule and `all_tools` have in common."""

    require: tuple[Entry, ...] = ()
    deny_if: tuple[Entry, ...] = ()
    approve_if: tuple[Entry, ...] = ()
    limits: tuple[Limit, ...] = ()

    @property
    def entries(self) -> Iterator[Entry]:
        yield from self.require
        yield from self.deny_if
        yield from self.approve_if


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of `tools` or `risk`. `action` is None when it was left out."""

    pointer: str
    action: Action | None = None
    reason: str = ""
    rate_limit: RateLimit | None = None
    clauses: Clauses = Clauses()


@dataclass(frozen=True, slots=True)
class Methods:
    """Which method families other than tools a policy lets through, and further method names."""

    resources: bool = True
    prompts: bool = True
    completion: bool = True
    tasks: bool = True
    extra: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy of version 1."""

    is_default_allow: bool = False
    description: str = ""
    hide: tuple[str, ...] = ()
    methods: Methods = Methods()
    risk: Mapping[Level, Rule] = field(default_factory=dict)
    all_tools: Clauses = Clauses()
    tools: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def rules(self) -> Iterator[Rule]:
        yield from self.risk.values()
        yield from self.tools.values()


def is_same_amount(left: Amount | None, right: Amount | None) -> bool:
    """Tell whether two limits charge the same amount. By repr, because Python holds `True == 1` for equal."""
    return repr(left) == repr(right)


def list_paths(conditions: tuple[Condition, ...]) -> Iterator[Path]:
    """Every path that conditions look at, those of amounts and of comparisons included."""
    for condition in conditions:
        if isinstance(condition.subject, Path):
            yield condition.subject
        else:
            yield from list_amount_paths(condition.subject)
        if condition.other is not None:
            yield condition.other


def list_amount_paths(amount: Amount) -> Iterator[Path]:
    """Every path that an amount looks at, those of its `when` conditions included."""
    match amount:
        case PathAmount(path) | FoldAmount(_, path):
            yield path
        case ProductAmount(left, right):
            yield from (left, right)
        case AbsoluteAmount(inner):
            yield from list_amount_paths(inner)
        case ChoiceAmount(cases):
            for case in cases:
                yield from list_paths(case.when)
                yield from list_amount_paths(case.amount)


def list_amount_conditions(amount: Amount | None) -> Iterator[Condition]:
    """The `when` conditions inside an amount."""
    if isinstance(amount, AbsoluteAmount):
        yield from list_amount_conditions(amount.inner)
    elif isinstance(amount, ChoiceAmount):
        for case in amount.cases:
            yield from case.when
            for condition in case.when:
                if not isinstance(condition.subject, Path):
                    yield from list_amount_conditions(condition.subject)
            yield from list_amount_conditions(case.amount)
