"""Celery's part of accounts: mails contact messages to the host. A queue that is lost loses nothing of them."""

import logging

import redis
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.contact.services import mail_due_messages
from accounts.operator.checks import note_scheduled_work

log = logging.getLogger(__name__)


@shared_task(soft_time_limit=60, time_limit=90)
def mail_contact_messages() -> None:
    """Mail what is due; beat runs this every 15 seconds, so that a message needs no broker to be sent."""
    try:
        note_scheduled_work(settings.REDIS_URL, timezone.now())
    except redis.RedisError as error:
        log.warning("scheduled work is not noted: %s", type(error).__name__)
    mail_due_messages()
