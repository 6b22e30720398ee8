"""What every page must be, whoever looks at it: checks on a page that is open. Knows nothing of which page it is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
AXE: Final = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
EVERYTHING: Final = {
    "runOnly": {"type": "tag", "values": TAGS},
    # Off in axe's own default, and a rule of WCAG 2.2 AA.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
    "preload": False,
}
TAB_STOPS: Final = 15

# The rows of a long table or list are all made alike, and axe takes its time over each.
THIN: Final = """() => {
  for (const row of document.querySelectorAll(":is(tr, li):nth-child(n+41)")) row.remove();
}"""
RUN_AXE: Final = """async (options) => {
  const {violations} = await axe.run(options);
  const tell = (id, node) => [id, node.target.join(" "), node.html.slice(0, 160),
    (node.failureSummary ?? "").replace(/\\s+/g, " ").slice(0, 300)].join(": ");
  return violations.flatMap(({id, nodes}) => nodes.map((node) => tell(id, node)));
}"""

# An outline may sit on a frame round what has the focus, as it does round the editor.
SEE_FOCUS: Final = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const name = `${element.tagName.toLowerCase()} ${(element.getAttribute("aria-label") || element.textContent ||
    element.getAttribute("name") || "").trim().replace(/\\s+/g, " ").slice(0, 40)}`;
  let ringed = false;
  for (let each = element; each && each !== document.body; each = each.parentElement) {
    const style = getComputedStyle(each);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) ringed = true;
  }
  if (!ringed) return `${name}: no visible focus`;
  const boxes = [...element.getClientRects()];
  const box = boxes.find((each) => each.width > 0 && each.height > 0);
  if (!box) return `${name}: it has no place on the page`;
  const x = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
  if (x < box.left || x > box.right || y < box.top || y > box.bottom) return `${name}: out of view`;
  const hit = document.elementFromPoint(x, y);
  const covered = hit && !element.contains(hit) && !hit.contains(element);
  if (covered) return `${name}: covered by ${hit.outerHTML.slice(0, 80)}`;
  return "";
}"""

# What the page does once it has another size, it does while it is drawn.
DRAWN: Final = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"

FROM_THE_TOP: Final = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  scrollTo(0, 0);
}"""

WIDE: Final = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return "";
  const isOver = (each) => each.getBoundingClientRect().right > innerWidth + 1;
  const over = [...document.body.querySelectorAll("*")].filter(isOver).slice(0, 5);
  return `${wide} px too wide: ${over.map((each) => `${each.tagName}.${each.className}`).join(", ")}`;
}"""


@dataclass
class Listener:
    """What the browser complains of while a page is open, and the statuses of the pages that it was given."""

    page: Page
    host: str
    statuses: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._see)
        self.page.on("response", self._note)

    def _hear(self, message: Any) -> None:
        # Chromium complains of every page that is an error page, as some of these have to be.
        is_of_page = message.location.get("url") == self.page.url and "the server responded with" in message.text
        if message.type == "error" and not is_of_page:
            self.complaints.append(f"console: {message.text}")

    def _note(self, response: Any) -> None:
        if response.request.is_navigation_request():
            self.statuses.append(response.status)

    def _see(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.complaints.append(f"asks another host: {request.url}")


def resize(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(DRAWN)


def load_axe(page: Page) -> None:
    page.evaluate(THIN)
    # Evaluated by the browser's own tools, which the page's Content-Security-Policy does not bind.
    page.evaluate(AXE)


def find_violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate(RUN_AXE, EVERYTHING)
    return found


def find_overflow(page: Page) -> list[str]:
    found: str = page.evaluate(WIDE)
    return [found] if found else []


def find_lost_focus(page: Page) -> list[str]:
    """What is wrong with the first stops of the Tab key, from the top of the page."""
    page.evaluate(FROM_THE_TOP)
    wrong = []
    for _ in range(TAB_STOPS):
        page.keyboard.press("Tab")
        seen = page.evaluate(SEE_FOCUS)
        if seen is None:
            break
        if seen:
            wrong.append(seen)
    # Pictures show the page as it is opened.
    page.evaluate("document.activeElement.blur()")
    return wrong
