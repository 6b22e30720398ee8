"""What is allowed, and for whom: policies in immutable versions, grants, decision records. All are tenant tables."""

import uuid
from enum import StrEnum

from django.db import models
from django.utils import timezone

from accounts.ids import new_uuid7
from accounts.models import Organisation, Stoppable, User
from servers.models import Server


class Policy(models.Model):
    """A named policy on one server; `current` is the number of the published version, 0 before the first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(max_length=80)
    current = models.PositiveIntegerField(default=0)
    # What the editor holds before the first version: the document that a duplicate was made of.
    opening = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "name"], name="policy_name_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One published document, kept letter for letter as it was published; the serving role may not update it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.TextField()
    note = models.CharField(max_length=300, blank=True)
    author = models.CharField(max_length=254)
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["policy", "number"], name="version_once"),)
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class PolicyTest(models.Model):
    """A call with the outcome that every published version must give it; `at` is its time, None for when it is run."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="tests")
    name = models.CharField(max_length=80)
    tool = models.CharField(max_length=200)
    arguments = models.TextField()
    expected_outcome = models.CharField(max_length=10)
    expected_rule = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["policy", "name"], name="test_name_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Grant(Stoppable):
    """A labelled bearer token for one agent on one server; only the SHA-256 of the `plg_` token is kept.

    A rotated grant `replaces` the one before it, and `counts_as` the first of that line: its limits stay charged.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="grants")
    # PROTECT: a policy that an agent lives under cannot vanish from under it.
    policy = models.ForeignKey(Policy, null=True, on_delete=models.PROTECT, related_name="grants")
    label = models.CharField(max_length=80)
    token_hash = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    replaces = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replacements")
    counts_as = models.UUIDField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.label


class RecordStatus(StrEnum):
    """`intent`: about to be forwarded; `unknown`: forwarded, and its outcome will never be known."""

    INTENT = "intent"
    OK = "ok"
    ERROR = "error"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class DecisionRecord(models.Model):
    """One row for each call that reached the gateway. Ids are plain values, so that a record outlives what it names."""

    id = models.UUIDField(primary_key=True, default=new_uuid7, editable=False)
    at = models.DateTimeField()
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    server = models.UUIDField()
    grant = models.UUIDField()
    session_hash = models.CharField(max_length=64, blank=True)
    era = models.CharField(max_length=10)
    client = models.CharField(max_length=200, blank=True)
    method = models.CharField(max_length=100)
    tool = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=10)
    rule = models.CharField(max_length=500)
    reason = models.CharField(max_length=1000, blank=True)
    policy = models.UUIDField(null=True)
    policy_version = models.PositiveIntegerField(null=True)
    argument_keys = models.JSONField(default=list)
    argument_digest = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in RecordStatus])
    gateway_us = models.PositiveIntegerField(default=0)
    upstream_us = models.PositiveIntegerField(default=0)
    upstream_status = models.PositiveSmallIntegerField(null=True)
    approval = models.UUIDField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["server", "-id"], name="record_server"),
            models.Index(fields=["organisation", "-id"], name="record_organisation"),
            models.Index(fields=["status", "at"], name="record_open", condition=models.Q(status="intent")),
        )

    def __str__(self) -> str:
        return str(self.id)
