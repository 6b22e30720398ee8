"""Writes of contact messages: a visitor's is stored first and mailed afterwards, by `accounts.tasks`."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.contact.access import due_messages, find_sent
from accounts.contact.limits import Sender
from accounts.contact.mail import host_address, make_mail
from accounts.models import ContactMessage, ContactState
from accounts.tenancy import host

# Longer than the task may run, so that no second worker mails what a first one is mailing.
FIRST_RETRY: Final = timedelta(minutes=2)
LAST_RETRY: Final = timedelta(hours=1)
BATCH: Final = 50
log = logging.getLogger(__name__)


class FormUsedError(ValueError):
    """The form has sent another message already."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one form holds; `suspicion` says why it is taken for spam, "" when it is not."""

    form: UUID
    name: str
    email: str
    text: str
    suspicion: str = ""

    @property
    def id(self) -> UUID:
        """The message's id: the same text sent by the same form is the same message."""
        return uuid5(self.form, "\n".join((self.name, self.email, self.text)))


def store_message(*, written: Written, sender: Sender) -> None:
    """Keep a message for the host, once however often it is sent; FormUsedError when its form sent another one."""
    message = ContactMessage(
        id=written.id,
        form=written.form,
        name=written.name,
        email=written.email,
        text=written.text,
        state=ContactState.SPAM.value if written.suspicion else ContactState.NEW.value,
        suspicion=written.suspicion,
        address_mark=sender.address_mark,
        network_mark=sender.network_mark,
    )
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError:
        if find_sent(written.form) != written.id:
            raise FormUsedError("This form has sent another message already.") from None


def mark_message(*, message: ContactMessage, state: ContactState, by: str) -> None:
    """Set where a message stands, and who said so; inside the host's block."""
    now = timezone.now()
    ContactMessage.objects.filter(id=message.id).update(state=state.value, state_by=by, state_at=now)


def mail_due_messages() -> int:
    """Mail the new messages that are due to the host, and say how many went out.

    Each is claimed first, for longer than the attempt can take: it goes out once, unless a worker dies between the mail
    server's answer and the note of it. A failure is noted and tried again after 2 minutes, then 4, up to an hour.
    """
    to, sent = host_address(), 0
    if not to:
        return 0
    with host():
        due = due_messages(BATCH)
    for message in filter(None, map(_claim, due)):
        try:
            make_mail(message, to).send()
        except ValueError as error:
            _note_failure(message, error)
        except OSError as error:
            # The mail server is away or unwilling: the others stay due, for the next run.
            _note_failure(message, error)
            break
        else:
            _note_mailed(message)
            sent += 1
    return sent


def _claim(message_id: UUID) -> ContactMessage | None:
    now = timezone.now()
    with host():
        rows = ContactMessage.objects.select_for_update(skip_locked=True)
        due = rows.filter(state=ContactState.NEW.value, mailed_at=None, mail_due_at__lte=now)
        message = due.filter(id=message_id).first()
        if message is None:
            return None
        pause = min(FIRST_RETRY * 2 ** min(message.mail_attempts, 10), LAST_RETRY)
        rows.filter(id=message_id).update(mail_attempts=F("mail_attempts") + 1, mail_due_at=now + pause)
    return message


def _note_failure(message: ContactMessage, error: Exception) -> None:
    log.warning("contact message %s is not mailed: %s", message.id, type(error).__name__)
    with host():
        ContactMessage.objects.filter(id=message.id).update(mail_error=f"{type(error).__name__}: {error}"[:200])


def _note_mailed(message: ContactMessage) -> None:
    with host():
        ContactMessage.objects.filter(id=message.id).update(mailed_at=timezone.now(), mail_error="")
