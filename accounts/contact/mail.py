"""Makes the mail that tells the host of a contact message; must not send it, nor put unread text into a header."""

from email.headerregistry import Address

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.encoding import punycode

from accounts.models import ContactMessage

BODY = """\
{name} <{email}> wrote in the contact form of {site}:

{text}

--
An answer to this mail goes to {email}. Nobody has checked that the address is the sender's.
Read it, and mark it as answered or as spam: {link}
"""


def host_address() -> str:
    """Where the host reads mail: OPERATOR_EMAIL, else the embedded run's own address; "" when there is neither."""
    return settings.OPERATOR_EMAIL or (settings.DEFAULT_FROM_EMAIL if settings.EMBEDDED else "")


def make_mail(message: ContactMessage, to: str) -> EmailMessage:
    """A plain mail from us to the host, answered to the sender; its Message-ID is the same however often it is sent."""
    local, _, domain = message.email.rpartition("@")
    sender = Address(display_name=message.name, username=local, domain=punycode(domain))
    link = f"{settings.PUBLIC_URL}{reverse('accounts:contact_message', args=[message.id])}"
    texts = {"name": message.name, "email": message.email, "text": message.text}
    return EmailMessage(
        subject=f"[PolicyLayer] Message from {message.name}",
        body=BODY.format(site=settings.PUBLIC_URL, link=link, **texts),
        to=[to],
        reply_to=[str(sender)],
        headers={"Message-ID": f"<contact-{message.id}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>"},
    )
