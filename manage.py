#!/usr/bin/env python
"""Django's command line, with the Celery app bound so that commands can queue tasks."""

import os
import sys
from importlib import import_module

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import_module("config.celery")
    execute_from_command_line(sys.argv)
