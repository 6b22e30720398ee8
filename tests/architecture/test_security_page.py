"""docs/security.md: every test that it names exists, and its table of faults is the one that is tested."""

import re
from pathlib import Path

from tests.gateway.faults.table import QUIET, SLOW_FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
CELLS = re.compile(r"^\| (.+) \|$", re.MULTILINE)


def section(title: str) -> str:
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def rows_of(text: str) -> list[list[str]]:
    return [line.split(" | ") for line in CELLS.findall(text)]


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for path, function in named:
        place = ROOT / path
        assert place.exists(), path
        assert not function or f"def {function}(" in place.read_text(encoding="utf-8"), function


def test_every_promise_says_how_it_is_kept_and_what_shows_it() -> None:
    head, *promises = rows_of(section("How each promise is kept"))
    assert head == ["Promise", "How", "Shown by"]
    assert len(promises) > 15
    for promise, how, shown in promises:
        assert how.strip() and "`tests/" in shown, promise


def told_of(fault: Fault) -> tuple[str, ...]:
    if not fault.text:
        answer = "the server's answer"
    elif fault.in_stream:
        answer = f"200, a stream that ends with error {fault.code}: {fault.text}"
    else:
        answer = f"{fault.status}, error {fault.code}: {fault.text}"
    return (answer, fault.name, fault.record, f"{fault.seconds:.0f} s")


def test_the_fault_table_is_the_one_that_is_tested() -> None:
    head, *rows = rows_of(section("When a server misbehaves"))
    assert head == ["What the agent gets", "When the server", "In the record", "Within"]
    # A row is for all faults that have the same answer.
    told = [(answer, name, record, seconds) for answer, names, record, seconds in rows for name in names.split("; ")]
    assert sorted(told) == sorted(told_of(fault) for fault in (*QUIET, *SLOW_FAULTS))
