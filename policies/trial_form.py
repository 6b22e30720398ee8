"""What the test panel was sent, read into a call and the document that judges it. Judges nothing itself."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from policies.argument_fields import ArgumentField, fill_fields, list_fields, read_fields
from policies.engine.decision import Call
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Outcome
from policies.forms import DocumentField
from policies.written_calls import CallUnreadableError, WrittenCall, read_call

OUTCOMES = (
    (Outcome.ALLOW.value, "allow"),
    (Outcome.DENY.value, "deny"),
    (Outcome.HIDE.value, "hide: answered as an unknown tool"),
    (Outcome.APPROVE.value, "approve: waits for a person"),
)
# Time zones are sure of their offsets in these years only.
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class MomentField(forms.DateTimeField):
    """A time in UTC, or none."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            label="Time of the call (UTC)",
            help_text="For rules with trading hours: leave it empty to judge the call as of this moment.",
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        )

    def clean(self, value: Any) -> datetime | None:
        at: datetime | None = super().clean(value)
        if at is not None and not FIRST <= at < LAST:
            raise forms.ValidationError("Choose a time between 2000 and 2100.")
        return at


class TrialForm(forms.Form):
    tool = forms.CharField(max_length=200, strip=False, required=False)
    pasted = forms.CharField(
        required=False,
        strip=False,
        label="The call",
        help_text="Its arguments as JSON, or a whole tools/call message, which also names the tool. This is judged"
        " instead of the fields.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
    )
    at = MomentField()
    document = DocumentField(required=False)


class SaveTestForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What must stay true, such as “no market orders”.")
    tool = forms.CharField(max_length=200, strip=False)
    arguments = forms.CharField(strip=False)
    expected_outcome = forms.ChoiceField(choices=OUTCOMES, label="Expected outcome")
    expected_rule = forms.CharField(
        required=False, max_length=500, label="Expected rule", help_text="Empty: any rule may be what decides."
    )
    at = MomentField()


@dataclass(slots=True)
class TypedCall:
    """The panel's input: `call` is None while something is missing or wrong, and `fields` and `form` say what."""

    form: TrialForm
    tool: str
    fields: list[ArgumentField]
    call: Call | None = None
    at: datetime | None = None
    arguments: dict[str, JSON] = field(default_factory=dict)

    @property
    def required(self) -> list[ArgumentField]:
        return [each for each in self.fields if each.is_required]

    @property
    def optional(self) -> list[ArgumentField]:
        return [each for each in self.fields if not each.is_required]

    @property
    def has_optional(self) -> bool:
        return any(each.value for each in self.optional)

    @property
    def is_wrong(self) -> bool:
        return self.form.is_bound

    @property
    def problems(self) -> list[str]:
        """What is wrong, for a reader who starts at the answer."""
        said = [str(message) for messages in self.form.errors.values() for message in messages]
        return said + [f"{each.name}: {each.error}" for each in self.fields if each.error]


def read_typed_call(data: QueryDict, tools: dict[str, ToolFacts]) -> TypedCall:
    """The call that was typed or pasted."""
    form = TrialForm(data)
    if not form.is_valid():
        tool = data.get("tool", "")
        return TypedCall(form, tool, fill_fields(list_fields(tools.get(tool)), data))
    written = _read_pasted(form)
    tool = written.tool if written is not None and written.tool else form.cleaned_data["tool"]
    fields = fill_fields(list_fields(tools.get(tool)), data)
    typed = TypedCall(form, tool, fields, at=form.cleaned_data["at"])
    if not tool and not form.errors:
        form.add_error("tool", "Choose a tool, or paste a whole tools/call message that names one.")
    if form.errors or (written is None and any(each.error for each in fields)):
        return typed
    typed.arguments = written.arguments if written is not None else read_fields(fields)
    typed.call = Call(tool, typed.arguments, typed.at or timezone.now())
    return typed


def _read_pasted(form: TrialForm) -> WrittenCall | None:
    text = form.cleaned_data["pasted"]
    if not text.strip():
        return None
    try:
        return read_call(text)
    except CallUnreadableError as error:
        form.add_error("pasted", str(error))
        return None
