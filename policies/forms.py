"""What the pages' forms accept; rights are the views' concern."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django import forms
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone

from policies.access import policies_for
from policies.check import MAX_BYTES
from policies.models import Policy
from servers.models import Server

if TYPE_CHECKING:
    PolicyBase = forms.ModelChoiceField[Policy]
else:
    PolicyBase = forms.ModelChoiceField


class Overlap(StrEnum):
    """How long a rotated grant's old token stays valid."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def length(self) -> timedelta:
        return {
            Overlap.NONE: timedelta(),
            Overlap.HOUR: timedelta(hours=1),
            Overlap.DAY: timedelta(days=1),
            Overlap.WEEK: timedelta(days=7),
        }[self]


WORDS = {
    Overlap.NONE: "Ends at once",
    Overlap.HOUR: "Works for another hour",
    Overlap.DAY: "Works for another day",
    Overlap.WEEK: "Works for another 7 days",
}
FORM_LIFE = timedelta(days=1)
SALT = "policies.mint"


class LedForm(forms.Form):
    """A form that comes back with the focus in the first field that is wrong."""

    def add_error(self, field: str | None, error: Any) -> None:
        """Note the error, and let the browser go to its field unless there is one before it."""
        super().add_error(field, error)
        named = self.fields.get(field) if field else None
        is_led = any("autofocus" in each.widget.attrs for each in self.fields.values())
        if named is not None and not named.widget.is_hidden and not is_led:
            named.widget.attrs["autofocus"] = True


class DocumentField(forms.CharField):
    """A policy's text, letter for letter, but for the line ends that browsers make of every textarea."""

    def __init__(self, *, required: bool = True) -> None:
        super().__init__(
            required=required,
            strip=False,
            label="Policy",
            widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false"}),
            error_messages={"required": "Write a policy, or choose a starting point above."},
        )

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class NoteField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            required=False, max_length=300, label="Note", help_text="What this version is for; shown beside it."
        )


class CreateForm(LedForm):
    name = forms.CharField(
        max_length=80,
        help_text="How this server's grants will refer to it.",
        error_messages={"required": "Give the policy a name."},
    )
    document = DocumentField()
    file = forms.FileField(
        required=False,
        label="Import a file",
        help_text="A policy's JSON, such as another policy's export. It takes the place of the text below, and is"
        " checked in the same way.",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )


def read_create(data: QueryDict, upload: "UploadedFile[bytes] | None") -> CreateForm:
    """The form, with the text of an uploaded file as its document, so that it can be mended where it is wrong."""
    form = CreateForm(data)
    if upload is None:
        return form
    if upload.size is None or upload.size > MAX_BYTES:
        form.add_error("file", f"The file is larger than {MAX_BYTES // 1024} KiB.")
        return form
    try:
        text = upload.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        form.add_error("file", "The file is not UTF-8 text.")
        return form
    return CreateForm({"name": data.get("name"), "document": text})


class PublishForm(forms.Form):
    document = DocumentField()
    note = NoteField()
    # The version that the editor was opened on.
    expected = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class RestoreForm(forms.Form):
    expected = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class PolicyChoiceField(PolicyBase):
    """One of a server's policies, or none."""

    def __init__(self) -> None:
        super().__init__(
            queryset=policies_for(),
            required=False,
            label="Policy",
            empty_label="No policy (denies every call)",
            help_text="What this agent may do. Only policies of this server can be chosen.",
        )

    def label_from_instance(self, obj: Policy) -> str:
        return f"{obj.name} (version {obj.current})" if obj.current else f"{obj.name} (never published: denies)"


class AttachForm(forms.Form):
    policy = PolicyChoiceField()

    def __init__(self, server: Server, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        field = self.fields["policy"]
        if isinstance(field, PolicyChoiceField):
            field.queryset = policies_for(server)


class ExpiryForm(forms.Form):
    expires = forms.DateField(
        required=False,
        label="Expires after",
        help_text="The last day (UTC) on which it works; empty for no end.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def clean_expires(self) -> datetime | None:
        day = self.cleaned_data["expires"]
        if day is None:
            return None
        end = datetime.combine(day, time.max, tzinfo=UTC)
        if end <= timezone.now():
            raise forms.ValidationError("This day is past.")
        return end


class MintForm(LedForm, AttachForm, ExpiryForm):
    label = forms.CharField(
        max_length=80,
        help_text="Which agent this is for, such as “research agent on the laptop”.",
        error_messages={"required": "Say which agent the grant is for."},
    )
    form_id = forms.CharField(widget=forms.HiddenInput)

    field_order = ("label", "policy", "expires", "form_id")

    def __init__(self, server: Server, data: Any = None) -> None:
        self.server = server
        super().__init__(server, data, initial={"form_id": sign_form(server), "policy": _only_policy(server)})

    def clean_form_id(self) -> UUID:
        return read_form_id(self.cleaned_data["form_id"], self.server)


class RotateForm(forms.Form):
    overlap = forms.TypedChoiceField(
        coerce=Overlap,
        choices=[(overlap.value, WORDS[overlap]) for overlap in Overlap],
        label="The old token",
        initial=Overlap.DAY.value,
        help_text="Give the agent its new token before the old one ends.",
    )
    form_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, server: Server, data: Any = None) -> None:
        self.server = server
        super().__init__(data, initial={"form_id": sign_form(server)})

    def clean_form_id(self) -> UUID:
        return read_form_id(self.cleaned_data["form_id"], self.server)


def read_form_id(text: str, server: Server) -> UUID:
    """The future grant's id that this server's form was handed out with; raises forms.ValidationError."""
    try:
        claim = signing.loads(text, salt=SALT, max_age=FORM_LIFE)
    except signing.BadSignature:
        raise forms.ValidationError("This form is too old: send it again.") from None
    if claim["server"] != str(server.id):
        raise forms.ValidationError("This form belongs to another server: send it again.")
    return UUID(claim["grant"])


def _only_policy(server: Server) -> UUID | None:
    ids = policies_for(server).values_list("id", flat=True)[:2]
    return ids[0] if len(ids) == 1 else None


def sign_form(server: Server) -> str:
    """The future grant's id, signed, so that one form mints one grant and nobody chooses ids."""
    return signing.dumps({"server": str(server.id), "grant": str(uuid4())}, salt=SALT)
