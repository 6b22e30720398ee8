"""What and how to reach it: servers, sealed headers, pinned tools, simulator accounts. All are tenant tables."""

import uuid
from enum import StrEnum

from django.db import models
from django.utils import timezone

from accounts.models import Organisation, Stoppable


class Kind(StrEnum):
    """How a server is reached."""

    SIMULATOR = "simulator"
    HTTP = "http"


class Era(StrEnum):
    """Which of MCP's two eras the upstream was last seen to speak."""

    UNKNOWN = "unknown"
    LEGACY = "legacy"
    MODERN = "modern"


class DiscoveryStatus(StrEnum):
    NEVER = "never"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ToolState(StrEnum):
    """`active` can be called; `changed` differs from its pinned definition; `gone` is no longer offered upstream."""

    ACTIVE = "active"
    CHANGED = "changed"
    GONE = "gone"


LEVELS = [(level, level.capitalize()) for level in ("low", "medium", "high", "critical")]
CATEGORIES = [(name, name.capitalize()) for name in ("read", "write", "execute", "financial", "destructive")]


def choices_of(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.capitalize()) for member in enum]


class Server(Stoppable):
    """One upstream MCP server; its id is in its gateway URL. The simulator has no `url`; a setting has it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=choices_of(Kind))
    url = models.CharField(max_length=2000, blank=True)
    catalogue_slug = models.CharField(max_length=100, blank=True)
    era = models.CharField(max_length=10, choices=choices_of(Era), default=Era.UNKNOWN.value)
    protocol_version = models.CharField(max_length=20, blank=True)
    # It declared tools.listChanged: only then may its clients be told of a changed list.
    announces_changes = models.BooleanField(default=False, db_default=False)
    discovery = models.CharField(
        max_length=10, choices=choices_of(DiscoveryStatus), default=DiscoveryStatus.NEVER.value
    )
    discovery_error = models.CharField(max_length=500, blank=True)
    discovery_started_at = models.DateTimeField(null=True)
    discovered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organisation", "name"], name="server_name_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ServerHeader(models.Model):
    """A request header for the upstream, sealed with AES-GCM; organisation and server are its associated data."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="headers")
    name = models.CharField(max_length=100)
    sealed = models.BinaryField()
    key_version = models.SmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "name"], name="header_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Tool(models.Model):
    """One tool as discovery pinned it: `definition` is the whole pinned definition, `offered` what is upstream now."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(max_length=200)
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    module = models.CharField(max_length=60, blank=True)
    # JSON texts, not jsonb: number spelling and key order stay as the upstream wrote them.
    input_schema = models.TextField()
    definition = models.TextField()
    fingerprint = models.CharField(max_length=64)
    offered = models.TextField(blank=True)
    offered_fingerprint = models.CharField(max_length=64, blank=True)
    category = models.CharField(max_length=20, choices=CATEGORIES)
    level = models.CharField(max_length=10, choices=LEVELS)
    is_reviewed = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=choices_of(ToolState), default=ToolState.ACTIVE.value)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "name"], name="tool_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SimulatorAccount(models.Model):
    """The state of one simulated Bybit account, which is one registered server."""

    server = models.OneToOneField(Server, on_delete=models.CASCADE, primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    state = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.server_id)
