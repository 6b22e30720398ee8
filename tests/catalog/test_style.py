"""The colours of the one stylesheet meet WCAG 2.2 AA in both themes; the built pages have what they ask for."""

import re

import pytest
from django.conf import settings

from catalog.rubric import CATEGORIES, LEVELS

CSS = (settings.BASE_DIR / "assets" / "src" / "style.css").read_text(encoding="utf-8")
TOKENS = dict(re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", CSS))
TEXT = [
    "ink",
    "ink-soft",
    "accent",
    "accent-deep",
    "ok",
    "warn",
    "high",
    "bad",
    "code-name",
    "code-text",
    "code-number",
]


def colour(token: str, theme: int) -> tuple[float, float, float]:
    digits = TOKENS[token].split(", ")[theme][1:]
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    return red, green, blue


def mix(one: tuple[float, float, float], other: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    red, green, blue = (a * share + b * (1 - share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def luminance(parts: tuple[float, float, float]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("ground", ["paper", "surface", "sunken"])
@pytest.mark.parametrize("text", TEXT)
def test_text_stands_out_from_each_ground(text: str, ground: str, theme: int) -> None:
    assert contrast(colour(text, theme), colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("tone", ["ok", "warn", "high", "bad", "accent", "ink-soft"])
def test_badges_and_notices_stand_out_from_their_tint(tone: str, theme: int) -> None:
    tint = mix(colour(tone, theme), colour("surface", theme), 0.09)
    assert contrast(colour(tone, theme), tint) >= 4.5
    assert contrast(colour("ink", theme), tint) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(("text", "ground"), [("on-accent", "accent"), ("on-accent", "accent-deep"), ("on-bad", "bad")])
def test_text_on_solid_colour_is_legible(text: str, ground: str, theme: int) -> None:
    assert contrast(colour(text, theme), colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("ground", ["paper", "surface", "sunken"])
@pytest.mark.parametrize("line", ["rule-strong", "accent"])
def test_edges_of_fields_and_focus_rings_can_be_seen(line: str, ground: str, theme: int) -> None:
    assert contrast(colour(line, theme), colour(ground, theme)) >= 3


def test_every_word_of_level_category_and_outcome_has_a_shape_of_its_own() -> None:
    words = [*LEVELS, *CATEGORIES, "allow", "hide", "limit", "approve"]
    shapes = [re.search(rf"\.badge-{word} {{[^}}]*--shape: ([^;]+);", CSS) for word in words]
    assert None not in shapes
    assert len({shape.group(1) for shape in shapes if shape}) == len(words)


def test_the_stylesheet_asks_no_other_host_for_anything() -> None:
    assert re.findall(r"(?:https?:|url\(.?data:|url\(\"//|@import)", CSS) == []


def test_colours_and_sizes_of_type_are_named_in_one_place() -> None:
    rules = CSS[CSS.index(':root[data-theme="light"]') :]
    assert re.findall(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl|oklch)a?\(|font-size: [^;v]*(?:rem|px)", rules) == []


def test_nothing_moves_for_who_asked_for_stillness() -> None:
    moving = CSS.index("@media (prefers-reduced-motion: no-preference)")
    assert re.findall(r"\b(?:transition|animation)(?:-[a-z]+)?:", CSS[:moving]) == []
