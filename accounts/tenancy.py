"""Sets whose rows PostgreSQL's row-level security shows, for one transaction; outside these blocks it shows none."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction


@contextmanager
def tenant(organisation_id: UUID) -> Iterator[None]:
    """One transaction in which the rows of this organisation, and of no other, can be seen and written.

    Nested blocks must name the same organisation: a block that names another one raises TenancyError.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        before = "" if is_outermost else _read("policylayer.organisation")
        if before not in ("", str(organisation_id)):
            raise TenancyError("a transaction serves one organisation")
        if not before:
            _write("policylayer.organisation", str(organisation_id))
        yield
        # The end of a transaction ends its settings. An exception never gets here: the roll-back of this block undoes
        # the setting as well.
        if not is_outermost and not before and not connection.needs_rollback:
            _write("policylayer.organisation", "")


@contextmanager
def person(user_id: UUID) -> Iterator[None]:
    """One transaction in which the memberships of this person, and their organisations, can be read."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        before = "" if is_outermost else _read("policylayer.person")
        _write("policylayer.person", str(user_id))
        yield
        if not is_outermost and not connection.needs_rollback:
            _write("policylayer.person", before)


@contextmanager
def host() -> Iterator[None]:
    """One transaction in which the host's rows can be seen: contact messages, and every organisation's name.

    Only for the host's pages behind `accounts.operator.gate` and for the work that mails contact messages. It shows no
    row of a tenant table but the organisation itself.
    """
    with transaction.atomic():
        before = _read("policylayer.host")
        _write("policylayer.host", "on")
        yield
        if not connection.needs_rollback:
            _write("policylayer.host", before)


class TenancyError(RuntimeError):
    """Code tried to serve two organisations in one transaction."""


def _read(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [name])
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _write(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
