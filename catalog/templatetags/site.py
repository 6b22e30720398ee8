"""What templates need besides their context: addresses in full, names that break well, code in texts, the legend."""

import re
from typing import Any, Final

from django import template
from django.conf import settings
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe

from catalog.reasons import CATEGORY_WORDS, LEVEL_WORDS, RECOMMENDED_WORDS, UNTIL_APPROVALS

register = template.Library()
_BREAK: Final = SafeString("<wbr>")
_SEAMS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=.[/_.\]])(?=[^/_.])")
_QUOTED: Final = re.compile(r"`([^`]+)`")


@register.simple_tag
def in_full(path: str) -> str:
    """The address of a path under the origin that people use, whatever host this request came by."""
    return f"{settings.PUBLIC_URL}{path}"


@register.filter
def breakable(name: object) -> SafeString:
    """A name that may break before each capital within it and after a slash, a dot or an underscore; escaped."""
    return format_html_join(_BREAK, "{}", ([part] for part in _SEAMS.split(str(name))))


@register.filter
def quoted_code(text: str) -> SafeString:
    """A text of ours in which what stands between backticks is code."""
    return mark_safe(_QUOTED.sub(r"<code>\1</code>", escape(text)))


@register.inclusion_tag("catalog/_legend.html")
def legend() -> dict[str, Any]:
    """What levels and categories mean, and what is recommended for a level."""
    levels = [(level, words, RECOMMENDED_WORDS[level]) for level, words in LEVEL_WORDS.items()]
    return {"levels": levels, "categories": CATEGORY_WORDS.items(), "until_approvals": UNTIL_APPROVALS}
