"""Draws the pictures that shared links are shown with: `CHROMIUM=... python -m tests.browser.pictures`, by hand only.

Colours, shapes and the font are the site's own, so they are drawn anew when those change.
"""

import os
from base64 import b64encode
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).resolve().parents[2]
FONT: Final = "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-wght-normal.woff2"
MARK: Final = "M2 10.5h11v3.4H2zM18.7 10.5H22v3.4h-3.3zM6 3h2.4v5.9H6zM14.6 3H17v18h-2.4z"
WORDS: Final = {
    "low": "A mistake costs little or nothing.",
    "medium": "A mistake can be put right, or gives something away.",
    "high": "A mistake can cost money, or change how much can be lost.",
    "critical": "One wrong call can cost much, and cannot be taken back.",
}
STYLE: Final = """
@font-face { font-family: Picture; src: url(data:font/woff2;base64,%s); font-weight: 100 900; }
body { display: block; position: relative; width: 1200px; height: 630px; margin: 0; font-family: Picture; }
body > * { position: absolute; left: 80px; margin: 0; white-space: pre; }
svg { top: 70px; width: 64px; height: 64px; color: var(--accent); }
b { top: 76px; margin-left: 86px; font-size: 44px; font-weight: 650; line-height: 56px; }
h1 { top: 232px; font-size: 75px; font-weight: 700; line-height: 84px; letter-spacing: -.5px; max-width: none; }
i { top: 232px; width: 130px; height: 130px; clip-path: var(--shape); }
i[class] { background: var(--tone); }
i + h1 { margin-left: 174px; top: 254px; }
hr { top: 474px; width: 1040px; height: 2px; border: solid var(--rule-strong); border-width: 2px 0; background: none; }
hr { box-sizing: content-box; }
p { top: 504px; font-size: 36px; line-height: 50px; color: var(--ink-soft); max-width: none; }
"""


def write_page(head: str, foot: str) -> str:
    font = b64encode((ROOT / "node_modules" / FONT).read_bytes()).decode()
    style = (ROOT / "assets/src/style.css").read_text(encoding="utf-8") + STYLE % font
    mark = f'<svg viewBox="0 0 24 24"><path fill="currentColor" d="{MARK}"/></svg><b>PolicyLayer</b>'
    return f"<!doctype html><style>{style}</style><body>{mark}{head}<hr><p>{foot}</p>"


def list_pictures() -> dict[str, str]:
    first = write_page(
        "<h1>Each tool call is decided\nbefore it reaches the server.</h1>", "allow · deny · hide · limit · approve"
    )
    levels = {
        f"og-{level}.png": write_page(f'<i class="badge-{level}"></i><h1>A tool of level {level}</h1>', words)
        for level, words in WORDS.items()
    }
    return {"og.png": first, **levels}


def draw() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 630}, color_scheme="dark")
        for name, html in list_pictures().items():
            page.set_content(html)
            page.evaluate("document.fonts.ready")
            page.screenshot(path=ROOT / "assets/public" / name)
        browser.close()


if __name__ == "__main__":
    draw()
