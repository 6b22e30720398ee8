"""Reads of contact messages: visitors learn a number, and rows are for the host's pages, inside `tenancy.host`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.models import ContactMessage, ContactState

PAGE: Final = 50
MAX_QUERY: Final = 100


def count_messages(mark: str, since: datetime) -> int:
    """How many messages have come since then from the address or network with this mark."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT policylayer_contact_count(%s, %s)", [mark, since])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def find_sent(form: UUID) -> UUID | None:
    """The id of the message that this form has sent, or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT policylayer_contact_form(%s)", [form])
        row = cursor.fetchone()
    return row[0] if row else None


def search_messages(*, state: str = "", text: str = "", page: str = "") -> Page[ContactMessage]:
    """One page of the messages in this state ("" for all but spam) that hold this text, newest first."""
    rows = _holding(text)
    return Paginator(rows.filter(state=state) if state else rows.exclude(state="spam"), PAGE).get_page(page)


def count_states(*, text: str = "") -> dict[str, int]:
    """How many of the messages that hold this text are in each state."""
    found = dict(_holding(text).order_by().values_list("state").annotate(Count("id")))
    return {state.value: found.get(state.value, 0) for state in ContactState}


def _holding(text: str) -> QuerySet[ContactMessage]:
    words = text.replace("\0", "")[:MAX_QUERY].strip()
    if not words:
        return ContactMessage.objects.all()
    return ContactMessage.objects.filter(
        Q(name__icontains=words) | Q(email__icontains=words) | Q(text__icontains=words)
    )


def message_for(message_id: UUID) -> ContactMessage:
    """One message; raises Http404 where there is none."""
    message = ContactMessage.objects.filter(id=message_id).first()
    if message is None:
        raise Http404("no such message")
    return message


def due_messages(limit: int) -> list[UUID]:
    """The ids of messages to mail now, those that have waited longest first."""
    rows = ContactMessage.objects.filter(state=ContactState.NEW.value, mailed_at=None, mail_due_at__lte=timezone.now())
    return list(rows.order_by("mail_due_at").values_list("id", flat=True)[:limit])


@dataclass(frozen=True, slots=True)
class Unmailed:
    """New messages that no mail has told of, and why the last attempt failed ("" when there was none)."""

    count: int
    error: str


def count_unmailed() -> Unmailed:
    """What waits to be mailed."""
    rows = ContactMessage.objects.filter(state=ContactState.NEW.value, mailed_at=None)
    last = rows.exclude(mail_error="").order_by("-mail_due_at").first()
    return Unmailed(rows.count(), last.mail_error if last else "")
