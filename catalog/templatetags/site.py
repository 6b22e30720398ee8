"""What templates of public pages need besides their context: addresses in full, names that break well, the legend."""

import re
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from catalog.reasons import CATEGORY_WORDS, LEVEL_WORDS, RECOMMENDED_WORDS, UNTIL_APPROVALS

register = template.Library()
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[._\]])(?=\w)")
QUOTED_CODE = re.compile(r"`([^`]+)`")


@register.simple_tag
def in_full(path: str) -> str:
    """The address of a path under the origin that people use, whatever host this request came by."""
    return f"{settings.PUBLIC_URL}{path}"


@register.filter
def humps(name: str) -> SafeString:
    """A tool's or a parameter's name that may go on in a new line where a word begins in it."""
    return mark_safe("<wbr>".join(escape(part) for part in HUMP.split(name)))


@register.filter
def quoted_code(text: str) -> SafeString:
    """A text of ours in which what stands between backticks is code."""
    return mark_safe(QUOTED_CODE.sub(r"<code>\1</code>", escape(text)))


@register.inclusion_tag("catalog/_legend.html")
def legend() -> dict[str, Any]:
    """What levels and categories mean, and what is recommended for a level."""
    levels = [(level, words, RECOMMENDED_WORDS[level]) for level, words in LEVEL_WORDS.items()]
    return {"levels": levels, "categories": CATEGORY_WORDS.items(), "until_approvals": UNTIL_APPROVALS}
