"""The embedded run's mail and its outbox."""

from typing import Any

import pytest


@pytest.fixture
def outbox(settings: Any, db: None) -> None:
    settings.EMBEDDED = True
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
