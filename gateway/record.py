"""A decision record on its way: in memory, in the Redis stream, into PostgreSQL; never an argument's value in it."""

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from policies.models import RecordStatus

MAX_KEYS: Final = 50
MAX_KEY: Final = 100


class Record(msgspec.Struct, kw_only=True, gc=False):
    """The fields of policies.models.DecisionRecord; times in microseconds, `at` aware."""

    id: UUID
    at: datetime
    organisation: UUID
    server: UUID
    grant: UUID
    session_hash: str = ""
    era: str
    client: str = ""
    method: str
    tool: str = ""
    outcome: str
    rule: str
    reason: str = ""
    policy: UUID | None = None
    policy_version: int | None = None
    argument_keys: list[str] = []
    argument_digest: str = ""
    status: RecordStatus
    gateway_us: int = 0
    upstream_us: int = 0
    upstream_status: int | None = None
    approval: UUID | None = None


class RecordUnreadableError(ValueError):
    """A log entry that is no record."""


def encode_record(record: Record) -> bytes:
    """The record as it travels in the stream."""
    return _encoder.encode(record)


def decode_record(data: bytes) -> Record:
    """The record of a stream entry; raises RecordUnreadableError."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordUnreadableError(type(error).__name__) from None


def clean_text(text: str, size: int) -> str:
    """A client's text as PostgreSQL can store it: no NUL, at most `size` characters."""
    return text[:size].replace("\x00", "\ufffd") if "\x00" in text else text[:size]


def clean_keys(names: Any) -> list[str]:
    """The names of the arguments, of which MAX_KEYS are kept."""
    return [clean_text(name, MAX_KEY) for name, _ in zip(names, range(MAX_KEYS), strict=False)]


# An intent never replaces an outcome: the two may arrive in either order.
UPSERT: Final = """
INSERT INTO policies_decisionrecord (id, at, organisation_id, server, "grant", session_hash, era, client, method, tool,
  outcome, rule, reason, policy, policy_version, argument_keys, argument_digest, status, gateway_us, upstream_us,
  upstream_status, approval)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET outcome = EXCLUDED.outcome, rule = EXCLUDED.rule, reason = EXCLUDED.reason,
  status = EXCLUDED.status, gateway_us = EXCLUDED.gateway_us, upstream_us = EXCLUDED.upstream_us,
  upstream_status = EXCLUDED.upstream_status, approval = EXCLUDED.approval
WHERE policies_decisionrecord.status IN ('intent', 'unknown') AND EXCLUDED.status <> 'intent'
"""


def row_of(record: Record) -> tuple[Any, ...]:
    """The parameters of UPSERT."""
    return (
        record.id,
        record.at.astimezone(UTC),
        record.organisation,
        record.server,
        record.grant,
        record.session_hash,
        record.era,
        record.client,
        record.method,
        record.tool,
        record.outcome,
        record.rule,
        record.reason,
        record.policy,
        record.policy_version,
        json.dumps(record.argument_keys),
        record.argument_digest,
        record.status.value,
        record.gateway_us,
        record.upstream_us,
        record.upstream_status,
        record.approval,
    )


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Record)
