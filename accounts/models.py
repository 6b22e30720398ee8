"""Who: people, organisations, memberships, API keys, the admin audit; and what visitors write to the host.

Tenant tables and contact messages are under row-level security.
"""

import uuid
from enum import StrEnum
from typing import Any, ClassVar

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from accounts.ids import new_uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_verified_user(email, password, is_superuser=True, is_staff=True, **fields)

    def create_verified_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person whose address counts as verified; for commands of the host, never for a form on the web."""
        user = self.create_user(email, password, **fields)
        address = apps.get_model("account", "EmailAddress")
        address(user=user, email=user.email, verified=True, primary=True).save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail address; a superuser is the host of this installation."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # The organisation that /app/ opens; a plain id, because row-level security hides the row from a person's session.
    last_organisation = models.UUIDField(null=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    def __str__(self) -> str:
        return self.email


class Role(StrEnum):
    """What a member may do; accounts.access says which role may write what."""

    ADMIN = "admin"
    POLICY_MANAGER = "policy_manager"
    VIEWER = "viewer"


ROLES = [(Role.ADMIN.value, "Admin"), (Role.POLICY_MANAGER.value, "Policy manager"), (Role.VIEWER.value, "Viewer")]


class Stoppable(models.Model):
    """What one press stops and one resumes: its calls are refused, and nothing of it is lost.

    `killed_at`, `killed_by` and `kill_reason` tell of the present stop; the audit tells of all of them.
    """

    is_killed = models.BooleanField(default=False, db_default=False)
    killed_at = models.DateTimeField(null=True)
    killed_by = models.CharField(max_length=254, blank=True, default="", db_default="")
    kill_reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        abstract = True


class Organisation(Stoppable):
    """The tenant. `epoch` rises with each change that gateway processes must notice. A quota left open is the usual one
    (accounts.quotas)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=50, unique=True)
    epoch = models.BigIntegerField(default=1)
    max_calls = models.PositiveIntegerField(null=True)
    max_streams = models.PositiveIntegerField(null=True)
    max_sessions = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLES)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=[role.value for role in Role]), name="membership_role"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"


class ApiKey(models.Model):
    """A `pla_` key for the REST API: only its SHA-256 is kept, and it acts with its role in its organisation."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    label = models.CharField(max_length=80)
    role = models.CharField(max_length=20, choices=ROLES)
    token_hash = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.label

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_alive(self) -> bool:
        return self.revoked_at is None and not self.is_expired


class AdminAudit(models.Model):
    """One row for each state-changing action of a person or key; the serving role may add rows and change none."""

    id = models.UUIDField(primary_key=True, default=new_uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"


class OutboxMail(models.Model):
    """A mail of the embedded run, shown in /outbox/ instead of being sent."""

    id = models.UUIDField(primary_key=True, default=new_uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    recipients = models.CharField(max_length=2000)
    subject = models.CharField(max_length=500)
    body = models.TextField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.subject


class ContactState(StrEnum):
    """Where a contact message stands with the host."""

    NEW = "new"
    READ = "read"
    ANSWERED = "answered"
    SPAM = "spam"


class ContactMessage(models.Model):
    """What a visitor wrote in the contact form. Anyone may add a row; only `accounts.tenancy.host` shows any.

    The id is made of the form and of what it held, so that one form sent twice is one message. No network address is
    kept: the marks are keyed digests of it, for limits.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    form = models.UUIDField(unique=True)
    at = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=80)
    email = models.CharField(max_length=254)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=[(state.value, state.value.capitalize()) for state in ContactState])
    suspicion = models.CharField(max_length=100, blank=True)
    address_mark = models.CharField(max_length=64)
    network_mark = models.CharField(max_length=64)
    state_by = models.CharField(max_length=254, blank=True)
    state_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    mail_attempts = models.PositiveIntegerField(default=0)
    mail_due_at = models.DateTimeField(default=timezone.now)
    mail_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=["state", "-at"], name="contact_state"),
            models.Index(fields=["-at"], name="contact_at"),
            models.Index(
                fields=["mail_due_at"],
                name="contact_due",
                condition=models.Q(mailed_at=None, state=ContactState.NEW.value),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"
