"""What people type into the pages of accounts, parsed; must not write anything."""

from datetime import UTC, datetime, time
from typing import Self
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import ROLES, Organisation, Role
from accounts.quotas import USUAL


def to_role(value: str) -> Role:
    try:
        return Role(value)
    except ValueError:
        raise ValidationError("Choose one of the roles.") from None


def make_role_field(*, initial: Role | None = None, help_text: str = "") -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label="Role", choices=ROLES, coerce=to_role, initial=initial, help_text=help_text)


class OrganisationForm(forms.Form):
    name = forms.CharField(
        max_length=80,
        label="Name of the organisation",
        error_messages={"required": "Name the organisation."},
        help_text="A company, a team, or yourself. Its address is made from this name.",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )


class RenameForm(forms.Form):
    name = forms.CharField(
        max_length=80,
        error_messages={"required": "Name the organisation."},
        help_text="Its address stays, so links and gateway URLs go on working.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class RoleForm(forms.Form):
    role = make_role_field()


class ApiKeyForm(forms.Form):
    label = forms.CharField(
        max_length=80,
        error_messages={"required": "Give the key a label."},
        help_text="What will use it, such as “deploy script”.",
    )
    role = make_role_field(
        initial=Role.VIEWER,
        help_text="A viewer reads. A policy manager also writes policies and stops agents. An admin may do everything.",
    )
    expires = forms.DateField(
        required=False,
        label="Expires after",
        help_text="The last day (UTC) on which it works; empty for no end.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    # Made by the server with the form, so that a form sent twice mints once.
    key_id = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def fresh(cls) -> Self:
        return cls(initial={"key_id": uuid4()})

    def clean_expires(self) -> datetime | None:
        day = self.cleaned_data["expires"]
        if day is None:
            return None
        end = datetime.combine(day, time.max, tzinfo=UTC)
        if end <= timezone.now():
            raise ValidationError("This day is past.")
        return end


def make_quota_field(label: str, usual: int, where: str) -> forms.IntegerField:
    help_text = f"{where} Empty: the usual {usual}."
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=1_000_000, help_text=help_text)


class QuotaForm(forms.Form):
    calls = make_quota_field("Calls on their way", USUAL.calls, "At a time, in each gateway process.")
    streams = make_quota_field("Open streams", USUAL.streams, "At a time, in each gateway process.")
    sessions = make_quota_field("Sessions", USUAL.sessions, "At a time, over all processes.")

    @staticmethod
    def values_of(organisation: Organisation) -> dict[str, int | None]:
        return {name: getattr(organisation, f"max_{name}") for name in USUAL._fields}
