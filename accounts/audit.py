"""How a row of the admin audit reads: words for its action, its facts in one order. Reads and writes no rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.utils.dateformat import format as format_date

from accounts.models import ROLES, AdminAudit

FOLDED_FROM: Final = 5
DISCOVERY: Final = "(discovery)"

# Every action that is recorded anywhere; a test compares.
ACTIONS: Final = {
    "organisation.create": "Created the organisation",
    "organisation.rename": "Renamed the organisation",
    "organisation.stop": "Stopped every agent",
    "organisation.resume": "Resumed the organisation",
    "organisation.quotas": "Set the quotas",
    "member.role": "Changed a role",
    "member.remove": "Removed a member",
    "api_key.mint": "Minted an API key",
    "api_key.revoke": "Revoked an API key",
    "server.registered": "Added a server",
    "server.edited": "Changed a server",
    "server.deleted": "Deleted a server",
    "server.rediscovered": "Asked for tool discovery",
    "server.stop": "Stopped a server",
    "server.resume": "Resumed a server",
    "tools.discovered": "Updated the list of tools",
    "tools.accepted": "Accepted changed tools",
    "tool.reviewed": "Reviewed a tool",
    "policy.create": "Created a policy",
    "policy.publish": "Published a policy",
    "policy.delete": "Deleted a policy",
    "policy.test.save": "Saved a test",
    "policy.test.delete": "Deleted a saved test",
    "grant.mint": "Minted a grant",
    "grant.rotate": "Rotated a grant",
    "grant.revoke": "Revoked a grant",
    "grant.attach": "Attached a policy",
    "grant.expire": "Set a grant's end",
    "grant.stop": "Stopped a grant",
    "grant.resume": "Resumed a grant",
}

# What a key of the detail is called, in the order in which facts are shown; other keys follow by name.
LABELS: Final = {
    "from": "From",
    "to": "To",
    "tool": "Tool",
    "level": "Level",
    "category": "Category",
    "was": "Before",
    "before": "Policy before",
    "policy": "Policy",
    "version": "Version",
    "note": "Note",
    "expected": "Expected",
    "role": "Role",
    "reason": "Reason",
    "kind": "Kind",
    "host": "Host",
    "headers": "Headers",
    "headers_set": "Headers set",
    "headers_removed": "Headers removed",
    "last_four": "Token ends in",
    "expires_at": "Expires",
    "old_ends_at": "Old token ends",
    "calls": "Calls on their way",
    "streams": "Open streams",
    "sessions": "Sessions",
    "tools": "Tools",
    "added_tools": "Added",
    "changed_tools": "Changed",
    "gone_tools": "Gone",
    "returned_tools": "Returned",
    "policies": "Policies",
    "grants": "Grants",
}
ORDER: Final = {key: place for place, key in enumerate(LABELS)}
# A list of names may be cut; this key has how many there were.
TOTALS: Final = {"tools": "count", **{f"{kind}_tools": kind for kind in ("added", "changed", "gone", "returned")}}
# What it means that there is no value, where that says something.
NOTHING: Final = {
    "policy": "none",
    "before": "none",
    "expires_at": "never",
    **dict.fromkeys(("calls", "streams", "sessions"), "the usual"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of an audit row; a long list is folded behind `summary`."""

    label: str
    text: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit row in words: who, what was done, and the facts; ids apart, as few people want them."""

    row: AdminAudit
    actor: str
    action: str
    facts: list[Fact]
    ids: list[Fact]


def entry_of(row: AdminAudit) -> Entry:
    """The row in words; an action or a key without words of its own is shown as it is written."""
    counted = {total for names, total in TOTALS.items() if names in row.detail}
    facts, ids = list[Fact](), list[Fact]()
    for key in sorted(row.detail.keys() - counted, key=_place_of):
        fact = _fact_of(row, key)
        if fact.text:
            (ids if _is_id(row.detail[key]) else facts).append(fact)
    actor = "Tool discovery" if row.actor == DISCOVERY else row.actor
    return Entry(row, actor, ACTIONS.get(row.action, row.action), facts, ids)


def _place_of(key: str) -> tuple[int, str]:
    return (ORDER.get(key, len(ORDER)), key)


def _fact_of(row: AdminAudit, key: str) -> Fact:
    label, value = LABELS.get(key, key.replace("_", " ").capitalize()), row.detail[key]
    if isinstance(value, list):
        return _list_names(label, [str(name) for name in value], row.detail.get(TOTALS.get(key, ""), len(value)))
    if isinstance(value, dict):
        return Fact(label, ", ".join(_say_flag(inner, value[inner]) for inner in sorted(value, key=_place_of)))
    if value in ("", None):
        return Fact(label, NOTHING.get(key, ""))
    if key.endswith("_at"):
        return Fact(label, f"{format_date(datetime.fromisoformat(value).astimezone(UTC), 'j M Y, H:i')} UTC")
    if key == "role" or row.action == "member.role":
        return Fact(label, dict(ROLES).get(value, str(value)))
    return Fact(label, str(value))


def _list_names(label: str, names: list[str], total: int) -> Fact:
    if total <= FOLDED_FROM:
        return Fact(label, ", ".join(names))
    return Fact(label, ", ".join(names), f"first {len(names)} of {total}" if len(names) < total else str(total))


def _say_flag(key: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{'' if value else 'not '}{key.removeprefix('is_')}"
    return str(value)


def _is_id(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False
