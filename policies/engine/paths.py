"""Paths: `args.a.b`, `args.list[0].x`, `args.list[*].x`, `args["a.b"]`, `item.x`, `call.time`. Syntax only."""

import enum
import json
import re
from dataclasses import dataclass
from typing import Final, TypeAlias


class Root(enum.StrEnum):
    ARGS = "args"
    ITEM = "item"
    CALL = "call"


class Wild(enum.Enum):
    EACH = "[*]"


EACH: Final = Wild.EACH
Step: TypeAlias = str | int | Wild

_ROOT: Final = re.compile(r"args|item|call")
_KEY: Final = re.compile(r"\.([^\s.\[\]\"'*\x00-\x1f]+)")
_BRACKET: Final = re.compile(r'\[(?:(\*)|(0|[1-9][0-9]{0,5})|("(?:[^"\\]|\\.)*"))\]')
_BARE: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_MAX_STEPS: Final = 32


class PathError(Exception):
    """A path that cannot be read. `suggestion` is the nearest path that can, where one is likely."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: where it starts and the steps from there."""

    root: Root
    steps: tuple[Step, ...] = ()

    @property
    def has_wildcard(self) -> bool:
        return EACH in self.steps

    @property
    def is_time(self) -> bool:
        return self.root is Root.CALL

    @property
    def text(self) -> str:
        return self.root.value + write_steps(self.steps)

    @property
    def shared_prefix(self) -> tuple[Step, ...]:
        """The steps up to and including the last `[*]`."""
        places = [index for index, step in enumerate(self.steps) if step is EACH]
        return self.steps[: places[-1] + 1] if places else ()


def write_steps(steps: tuple[Step, ...]) -> str:
    """Write steps in their canonical form, to be put behind a root."""
    parts: list[str] = []
    for step in steps:
        if isinstance(step, Wild):
            parts.append("[*]")
        elif isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if _BARE.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def parse_path(text: str) -> Path:
    """Read a path. Raises PathError on anything but the forms in the module's first line."""
    start = _ROOT.match(text)
    if start is None or text[start.end() : start.end() + 1] not in ("", ".", "["):
        raise PathError(
            "A path starts with args., item. or call.time.", f"args.{text}" if _BARE.fullmatch(text) else ""
        )
    root = Root(start.group())
    steps = _read_steps(text, start.end())
    if root is Root.CALL and steps != ("time",):
        raise PathError("The only path that starts with call is call.time.", "call.time")
    if root is Root.ARGS and (not steps or not isinstance(steps[0], str)):
        raise PathError("A path into the arguments names one of them: args.NAME.")
    return Path(root, steps)


def _read_steps(text: str, at: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    while at < len(text):
        key, bracket = _KEY.match(text, at), _BRACKET.match(text, at)
        if key is not None:
            steps.append(key.group(1))
            at = key.end()
        elif bracket is not None:
            steps.append(_read_bracket(bracket))
            at = bracket.end()
        else:
            raise PathError(
                f'The path cannot be read from its character {at + 1} on; keys with odd characters go into ["..."].'
            )
        if len(steps) > _MAX_STEPS:
            raise PathError(f"A path has at most {_MAX_STEPS} steps.")
    return tuple(steps)


def _read_bracket(bracket: re.Match[str]) -> Step:
    wild, index, quoted = bracket.groups()
    if wild:
        return EACH
    if index:
        return int(index)
    try:
        key = json.loads(quoted)
    except ValueError:
        raise PathError('A quoted key is a JSON string: args["a.b"].') from None
    return str(key)
