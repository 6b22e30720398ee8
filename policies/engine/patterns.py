"""RE2 patterns, the only regular expressions of the language: linear in the text, bounded in memory."""

from typing import Final, Protocol, cast

import re2  # type: ignore[import-untyped]  # the package ships no types

MAX_LENGTH: Final = 1_000
MAX_PROGRAM: Final = 10_000


class PatternError(Exception):
    """A pattern that RE2 cannot read, or that is too large."""


class Pattern(Protocol):
    """What the engine uses of a compiled pattern. Both methods raise UnicodeEncodeError on half of a surrogate pair."""

    @property
    def programsize(self) -> int: ...

    def fullmatch(self, text: str) -> object | None: ...

    def search(self, text: str) -> object | None: ...


def _say(error: Exception) -> str:
    said = error.args[0] if error.args else "it is malformed"
    return said.decode("utf-8", "replace").rstrip(": ") if isinstance(said, bytes) else str(said)


def compile_pattern(pattern: str) -> Pattern:
    """Compile a pattern with bounded memory and nothing on stderr. Raises PatternError."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"A pattern has at most {MAX_LENGTH:,} characters.")
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(f"RE2 cannot read this pattern: {_say(error)}.") from None
    if compiled.programsize > MAX_PROGRAM:
        raise PatternError("This pattern is too large; use smaller repetitions.")
    return cast("Pattern", compiled)
