"""What public pages say of themselves to other sites: addresses in full, and in one spelling."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def in_full(path: str) -> str:
    """The address of a path under the origin that people use, whatever host this request came by."""
    return f"{settings.PUBLIC_URL}{path}"
