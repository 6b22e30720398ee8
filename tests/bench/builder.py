"""How long the policy builder takes from a key or a click to the page showing it; a real browser, whole pages."""

import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from tests.bench.scene import Desk

ROUNDS = 5
WORD = "order"
GOAL_MS = 50
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# From the moment of the event until the builder has changed and is laid out; the text beside it follows a frame later.
WATCH = """
window.times = [];
for (const kind of ["input", "click"]) addEventListener(kind, (event) => {
  const builder = event.target instanceof Element && event.isTrusted && event.target.closest(".builder");
  if (!builder) return;
  const watcher = new MutationObserver(() => {
    watcher.disconnect();
    void document.body.offsetHeight;
    window.times.push(performance.now() - event.timeStamp);
  });
  watcher.observe(builder, { subtree: true, childList: true, attributes: true, characterData: true });
}, true);
"""
# What the times are compared with: a plain loop in the same page.
LOOP = """() => {
  const times = [];
  for (let round = 0; round < 7; round++) {
    const began = performance.now();
    let sum = 0;
    for (let at = 0; at < 10_000_000; at++) sum = (sum + at * 7) % 1_000_003;
    times.push(performance.now() - began + (sum < 0 ? 1 : 0));
  }
  return times.sort((one, other) => one - other)[3];
}"""


@dataclass(frozen=True)
class Times:
    """What one act took in milliseconds, each time it was done."""

    name: str
    found: list[float]


def find_browser() -> str | None:
    """The Chromium to measure with: CHROMIUM, else one on the path; None when there is none."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


def measure_builder(program: str, address: str, desks: list[Desk]) -> tuple[float, list[Times]]:
    """The loop's milliseconds, and the times of a filter keystroke and of a bulk change at each desk."""
    times: list[Times] = []
    loops: list[float] = []
    with browsing(program) as page:
        for desk in desks:
            _open(page, address, desk)
            loops.append(float(page.evaluate(LOOP)))
            times += [
                Times(f"filter keystroke, {desk.tools:,} tools", _time_filter(page)),
                Times(f"bulk change, {desk.tools:,} tools", _time_bulk(page)),
            ]
            loops.append(float(page.evaluate(LOOP)))
        return statistics.median(loops), times


@contextmanager
def browsing(program: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(WATCH)
            yield page
        finally:
            browser.close()


def _open(page: Page, address: str, desk: Desk) -> None:
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(f"{address}/accounts/login/?next={desk.path}")
    page.get_by_label("Email").fill(desk.email)
    page.get_by_label("Password").fill(desk.password)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".tools-row").first.wait_for()


def _taken(page: Page, count: int) -> float:
    page.wait_for_function("count => window.times.length === count", arg=count)
    return float(page.evaluate("() => window.times.at(-1)"))


def _time_filter(page: Page) -> list[float]:
    page.evaluate("() => { window.times = []; }")
    page.get_by_role("searchbox").focus()
    found: list[float] = []
    for _ in range(ROUNDS):
        for key in [*WORD, *["Backspace"] * len(WORD)]:
            page.keyboard.press(key)
            found.append(_taken(page, len(found) + 1))
    return found


def _time_bulk(page: Page) -> list[float]:
    page.evaluate("() => { window.times = []; }")
    found: list[float] = []
    for _ in range(ROUNDS):
        for word in ("Allow", "Deny"):
            page.get_by_role("button", name=f"{word} all shown").click()
            found.append(_taken(page, len(found) + 1))
    return found


def write_rows(loop_ms: float, times: list[Times]) -> Iterator[str]:
    """A table of one row for each act: milliseconds beside their ratio to the loop of the same run."""
    yield f"| policy builder; a plain loop took {loop_ms:.0f} ms | median ms | worst ms | of the loop | goal |"
    yield "|---|---|---|---|---|"
    for each in times:
        median, worst = statistics.median(each.found), max(each.found)
        goal = "kept" if worst < GOAL_MS else "kept by the median" if median < GOAL_MS else "missed"
        yield f"| {each.name} | {median:.0f} | {worst:.0f} | {median / loop_ms:.2f} | {GOAL_MS} ms: {goal} |"
