"""Reads of the host's pages: organisations by name, and how much each has; never what they have."""

from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Q

from accounts.models import Membership, Organisation
from accounts.operator.registry import count_here, count_titles
from accounts.tenancy import tenant

PAGE: Final = 25
MAX_QUERY: Final = 100


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation and its counts, each with its title."""

    organisation: Organisation
    counts: list[tuple[str, int]]


def search_organisations(*, text: str, page: str) -> Page[Organisation]:
    """One page of the organisations whose name or address holds this text, newest first; inside the host's block."""
    words = text.replace("\0", "")[:MAX_QUERY].strip()
    rows = Organisation.objects.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    return Paginator(rows.order_by("-created_at", "id"), PAGE).get_page(page)


def count_for(organisation: Organisation) -> Tenant:
    """The organisation's counts, each made in its tenant block."""
    with tenant(organisation.id):
        return Tenant(organisation, list(zip(count_titles(), count_here(), strict=True)))


def count_members() -> int:
    """The members of the organisation whose tenant block is open."""
    return Membership.objects.count()
