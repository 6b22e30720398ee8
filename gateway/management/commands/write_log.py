"""`manage.py write_log`: moves decision records from Redis into PostgreSQL until SIGTERM or SIGINT."""

import signal
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from gateway.log_writer import LogWriter


class Command(BaseCommand):
    help = "Write the decision log: from the Redis streams into PostgreSQL, until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        LogWriter(settings.REDIS_URL).run(stop)
