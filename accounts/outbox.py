"""The mail backend of the embedded run: mails are kept for /outbox/ and never leave the machine."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts.services import store_mail


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            store_mail(recipients=message.recipients(), subject=str(message.subject), body=str(message.body))
        return len(email_messages)
