"""Addresses in full and in one spelling, as pages tell them to other sites; and names that fit into a narrow column."""

import re
from typing import Final

from django import template
from django.conf import settings
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_BREAK: Final = SafeString("<wbr>")
_SEAMS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=.[/_])(?=[^/_])")


@register.simple_tag
def in_full(path: str) -> str:
    """The address of a path under the origin that people use, whatever host this request came by."""
    return f"{settings.PUBLIC_URL}{path}"


@register.filter
def breakable(name: object) -> SafeString:
    """A name that may break before each capital within it and after a slash or an underscore; escaped."""
    return format_html_join(_BREAK, "{}", ([part] for part in _SEAMS.split(str(name))))
