"""What the API's requests and answers look like; OpenAPI is generated from these. Unknown members are refused."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.models import Organisation
from policies.engine.values import Outcome
from policies.models import DecisionRecord, Grant, Policy, PolicyTest, PolicyVersion
from policies.snippets import gateway_url_of
from policies.trial_form import FIRST, LAST, OUTCOMES
from servers.access import header_names_for
from servers.models import Kind, Server, Tool

EXPECTED = [outcome for outcome, _ in OUTCOMES]
Fields = dict[str, serializers.Field[Any, Any, Any, Any]]
OVERLAPS = (0, 3600, 86_400, 604_800)
DOCUMENT_HELP = (
    "The policy as text: a JSON string that holds the JSON document. As text it is judged letter for letter, duplicate"
    " keys and the spelling of numbers included."
)


class Body(serializers.Serializer[Any]):
    """A request's body. A misspelt member must not be taken for an absent one."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            raise ValidationError({name: ["Not known here."] for name in sorted(unknown)})
        return super().to_internal_value(data)


class DocumentField(serializers.CharField):
    """Text only: an object would have lost what its spelling said before anybody judged it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, help_text=DOCUMENT_HELP, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("Send the document as text: a JSON string that holds the JSON document.")
        return str(super().to_internal_value(data))


class FutureField(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> Any:
        at = super().to_internal_value(value)
        if at <= timezone.now():
            raise ValidationError("This time is past.")
        return at


# ---- servers


class HeaderBody(Body):
    name = serializers.CharField(max_length=100)
    value = serializers.CharField(max_length=4000, trim_whitespace=False)


class ServerBody(Body):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind], default=Kind.HTTP.value)
    url = serializers.CharField(max_length=2000, default="", allow_blank=True, help_text="Empty for the simulator.")
    headers = HeaderBody(many=True, default=list, help_text="Sent with each request; sealed, and never shown again.")
    catalogue_slug = serializers.CharField(max_length=100, default="", allow_blank=True)


class ServerChange(Body):
    name = serializers.CharField(max_length=80, required=False)
    url = serializers.CharField(max_length=2000, required=False)
    headers = HeaderBody(many=True, default=list, help_text="New ones, or new values for stored ones.")
    removed_headers = serializers.ListField(child=serializers.CharField(max_length=100), default=list)


class StoppableShape(serializers.Serializer[Any]):
    is_stopped = serializers.BooleanField(source="is_killed", read_only=True, help_text="Every call is refused.")
    stopped_at = serializers.DateTimeField(source="killed_at", read_only=True, allow_null=True)
    stopped_by = serializers.CharField(source="killed_by", read_only=True)
    stop_reason = serializers.CharField(source="kill_reason", read_only=True)


class OrganisationShape(StoppableShape, serializers.ModelSerializer[Organisation]):
    class Meta:
        model = Organisation
        fields = ("id", "name", "slug", "is_stopped", "stopped_at", "stopped_by", "stop_reason")


class StopBody(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Why; the first 200 characters are kept."
    )


class ServerShape(StoppableShape, serializers.ModelSerializer[Server]):
    gateway_url = serializers.SerializerMethodField()
    header_names = serializers.SerializerMethodField()

    class Meta:
        model = Server
        fields = (
            "id", "name", "kind", "url", "header_names", "gateway_url", "catalogue_slug", "era", "protocol_version",
            "discovery", "discovery_error", "discovered_at", "created_at", "is_stopped", "stopped_at", "stopped_by",
            "stop_reason",
        )  # fmt: skip

    def get_gateway_url(self, server: Server) -> str:
        return gateway_url_of(server.id)

    def get_header_names(self, server: Server) -> list[str]:
        return header_names_for(server)


class ServerPage(serializers.Serializer[Any]):
    items = ServerShape(many=True)
    next = serializers.CharField(allow_null=True)


class DiscoverShape(serializers.Serializer[Any]):
    queued = serializers.BooleanField()


class ToolShape(serializers.ModelSerializer[Tool]):
    input_schema = serializers.CharField(help_text="JSON text, as the server wrote it.")

    class Meta:
        model = Tool
        fields = (
            "name", "title", "description", "module", "category", "level", "is_reviewed", "state", "fingerprint",
            "input_schema", "first_seen_at", "last_seen_at",
        )  # fmt: skip


class ToolPage(serializers.Serializer[Any]):
    items = ToolShape(many=True)
    next = serializers.CharField(allow_null=True)


# ---- policies


class ProblemShape(serializers.Serializer[Any]):
    """One error or warning of a document: where in it, what, and what was perhaps meant."""

    pointer = serializers.CharField(help_text="JSON pointer into the document.")
    message = serializers.CharField()
    suggestion = serializers.CharField()
    line = serializers.IntegerField(help_text="From 1; 0 when unknown.")
    column = serializers.IntegerField(help_text="From 1; 0 when unknown.")


class SentenceShape(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer into the document.")
    text = serializers.CharField()


class CheckedShape(serializers.Serializer[Any]):
    warnings = ProblemShape(many=True)
    sentences = SentenceShape(many=True, help_text="What the document says, in words; empty when it has errors.")

    def get_fields(self) -> Fields:
        # Declared here, because a serializer has an attribute of this name.
        return {"errors": ProblemShape(many=True), **super().get_fields()}


class ValidateBody(Body):
    server = serializers.UUIDField(help_text="The server whose tools the document is judged against.")
    document = DocumentField(allow_blank=True)


class PolicyBody(Body):
    server = serializers.UUIDField()
    name = serializers.CharField(max_length=80)
    document = DocumentField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=300, default="", allow_blank=True)


class PublishBody(Body):
    document = DocumentField()
    note = serializers.CharField(max_length=300, default="", allow_blank=True)
    expected = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0,
        help_text="The version that you started from; 409 when another one is current by now.",
    )  # fmt: skip


class ImportBody(Body):
    server = serializers.UUIDField()
    name = serializers.CharField(max_length=80, help_text="The policy that is created, or gets its next version.")
    document = DocumentField()
    note = serializers.CharField(max_length=300, default="", allow_blank=True)
    expected = serializers.IntegerField(
        default=0, min_value=0,
        help_text="The version that the document replaces, 0 where none is published; 409 when another one is current.",
    )  # fmt: skip


class RestoreBody(Body):
    expected = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)


class PolicyShape(serializers.ModelSerializer[Policy]):
    server = serializers.UUIDField(source="server_id")
    current = serializers.IntegerField(help_text="The version in force; 0 before the first.")

    class Meta:
        model = Policy
        fields = ("id", "server", "name", "current", "created_at")


class PolicyPage(serializers.Serializer[Any]):
    items = PolicyShape(many=True)
    next = serializers.CharField(allow_null=True)


class VersionShape(serializers.ModelSerializer[PolicyVersion]):
    policy = serializers.UUIDField(source="policy_id")
    document = serializers.CharField(help_text=DOCUMENT_HELP)

    class Meta:
        model = PolicyVersion
        fields = ("policy", "number", "document", "note", "author", "published_at")


class VersionPage(serializers.Serializer[Any]):
    items = VersionShape(many=True)
    next = serializers.CharField(allow_null=True)


# ---- saved tests


class SavedTestBody(Body):
    name = serializers.CharField(max_length=80)
    tool = serializers.CharField(max_length=200, trim_whitespace=False)
    arguments = serializers.CharField(
        trim_whitespace=False, default="{}",
        help_text="The call's arguments as text: a JSON string that holds a JSON object.",
    )  # fmt: skip
    expected_outcome = serializers.ChoiceField(choices=EXPECTED)
    expected_rule = serializers.CharField(
        max_length=500, default="", allow_blank=True,
        help_text="JSON pointer into the document, or a word such as `(default)`; empty: any rule.",
    )  # fmt: skip
    at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="The call's time; null: when the test is run."
    )

    def validate_at(self, value: Any) -> Any:
        if value is not None and not FIRST <= value < LAST:
            raise ValidationError("Choose a time between 2000 and 2100.")
        return value


class SavedTestShape(serializers.ModelSerializer[PolicyTest]):
    policy = serializers.UUIDField(source="policy_id")
    expected_outcome = serializers.ChoiceField(choices=EXPECTED)

    class Meta:
        model = PolicyTest
        fields = ("id", "policy", "name", "tool", "arguments", "expected_outcome", "expected_rule", "at", "created_at")


class SavedTestPage(serializers.Serializer[Any]):
    items = SavedTestShape(many=True)
    next = serializers.CharField(allow_null=True)


class TestRunBody(Body):
    document = DocumentField(required=False, allow_null=True, default=None)


class TestResultShape(serializers.Serializer[Any]):
    test = SavedTestShape()
    is_passed = serializers.BooleanField()
    got = serializers.CharField(
        help_text="The outcome, or `unreadable` for arguments that are no JSON object any more."
    )
    got_rule = serializers.CharField(help_text="What decided: JSON pointer into the document, or a word.")
    sentence = serializers.CharField()


class TestRunShape(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True, help_text="The published version that was judged; null: yours.")
    is_passed = serializers.BooleanField(help_text="Whether all passed, so that the document could be published.")
    results = TestResultShape(many=True)


# ---- grants


class GrantBody(Body):
    server = serializers.UUIDField()
    policy = serializers.UUIDField(required=False, allow_null=True, default=None)
    expires_at = FutureField(required=False, allow_null=True, default=None)

    def get_fields(self) -> Fields:
        # Declared here, because a serializer has an attribute of this name.
        return {"label": serializers.CharField(max_length=80), **super().get_fields()}


class GrantChange(Body):
    expires_at = FutureField(allow_null=True)


class AttachBody(Body):
    policy = serializers.UUIDField(allow_null=True, help_text="Null: no policy, which denies every call.")


class RotateBody(Body):
    overlap = serializers.ChoiceField(
        choices=OVERLAPS, help_text="Seconds for which the old token stays valid: none, an hour, a day or a week."
    )


class GrantShape(StoppableShape, serializers.ModelSerializer[Grant]):
    server = serializers.UUIDField(source="server_id")
    policy = serializers.UUIDField(source="policy_id", allow_null=True)
    replaces = serializers.UUIDField(
        source="replaces_id", allow_null=True, help_text="The grant that it was rotated from."
    )
    created_by = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        fields = (
            "id", "server", "policy", "label", "last_four", "created_by", "created_at", "expires_at", "revoked_at",
            "last_used_at", "replaces", "is_stopped", "stopped_at", "stopped_by", "stop_reason",
        )  # fmt: skip

    def get_created_by(self, grant: Grant) -> str | None:
        return grant.created_by.email if grant.created_by else None


class MintedShape(serializers.Serializer[Any]):
    grant = GrantShape()
    gateway_url = serializers.CharField()
    token = serializers.CharField(
        allow_null=True, help_text="In the first answer only; null when a request is repeated with its Idempotency-Key."
    )


class GrantPage(serializers.Serializer[Any]):
    items = GrantShape(many=True)
    next = serializers.CharField(allow_null=True)


# ---- decision records


class DecisionQuery(serializers.Serializer[Any]):
    server = serializers.UUIDField(required=False)
    grant = serializers.UUIDField(required=False)
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome], required=False)
    tool = serializers.CharField(max_length=200, required=False)


class DecisionShape(serializers.ModelSerializer[DecisionRecord]):
    organisation = serializers.UUIDField(source="organisation_id")
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    argument_keys = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = DecisionRecord
        fields = (
            "id", "at", "organisation", "server", "grant", "session_hash", "era", "client", "method", "tool", "outcome",
            "rule", "reason", "policy", "policy_version", "argument_keys", "argument_digest", "status", "gateway_us",
            "upstream_us", "upstream_status", "approval",
        )  # fmt: skip


class DecisionPage(serializers.Serializer[Any]):
    items = DecisionShape(many=True)
    next = serializers.CharField(allow_null=True)


# ---- problems


class ProblemDetailShape(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        allow_blank=True, help_text="JSON pointer into the body; into the document when that is what has errors."
    )
    message = serializers.CharField()
    suggestion = serializers.CharField(allow_blank=True)


class ProblemJson(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()

    def get_fields(self) -> Fields:
        # Declared here, because a serializer has an attribute of this name.
        return {**super().get_fields(), "errors": ProblemDetailShape(many=True)}
