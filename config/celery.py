"""The Celery application; started as `celery -A config.celery`, bound by whoever queues tasks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("policylayer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
