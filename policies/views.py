"""Pages of a server's policies: list, create, read, publish, restore, delete, and the check behind the editor."""

from dataclasses import asdict, dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import EVERYONE, POLICY_WRITERS, MemberRequest, member_view
from catalog.restrictions import Restriction, find_restriction
from policies.access import (
    CALLS_DAYS,
    CALLS_MAX,
    carriers_of,
    count_calls,
    current_documents_for,
    current_version_for,
    policies_for,
    policy_for,
    saved_tests_for,
    version_for,
    versions_for,
)
from policies.check import Checked, check_document, check_text, judge_text, refuse_unread
from policies.engine.grammar import describe_grammar
from policies.errors import (
    ConflictError,
    NameTakenError,
    PolicyInUseError,
    PolicyInvalidError,
    SavedTestsFailedError,
)
from policies.forms import CreateForm, PublishForm, RestoreForm, read_create
from policies.models import Policy, PolicyVersion
from policies.restricted import Restricted, put_restriction
from policies.review import Side, compare
from policies.services import NAME_MAX, create_policy, delete_policy, publish_policy, restore_version
from policies.starts import Start, StartChoice, list_choices, write_start
from servers.access import listed_tools_for, server_for, tool_facts_for
from servers.models import Server

SENTENCES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in the list; `checked` is None before the first version."""

    policy: Policy
    checked: Checked | None

    @property
    def sentences(self) -> list[str]:
        return [sentence.text for sentence in self.checked.sentences[:SENTENCES_SHOWN]] if self.checked else []

    @property
    def more(self) -> int:
        return max(0, len(self.checked.sentences) - SENTENCES_SHOWN) if self.checked else 0


@require_safe
@member_view()
def list_policies(request: MemberRequest, server: UUID) -> HttpResponse:
    found = server_for(server)
    tools, documents = tool_facts_for(found), current_documents_for(found)
    rows = [
        PolicyRow(policy, check_text(documents[policy.id], tools) if policy.id in documents else None)
        for policy in policies_for(found)
    ]
    context = {"server": found, "tab": "policies", "rows": rows, "can_write": _can_write(request)}
    return render(request, "policies/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(read=POLICY_WRITERS, write=POLICY_WRITERS)
def create(request: MemberRequest, server: UUID) -> HttpResponseBase:
    found = server_for(server)
    if request.method != "POST":
        if (wanted := find_restriction(request.GET.get("restrict", ""))) is not None:
            form = CreateForm(initial={"name": wanted.title[:NAME_MAX], "document": wanted.snippet.policy})
            return _show_create(request, found, form, wanted=wanted)
        start = _start_of(request)
        return _show_create(request, found, CreateForm(initial={"document": write_start(start, found)}), start=start)
    form = read_create(request.POST, request.FILES.get("file"))
    if form.is_valid():
        name, document = form.cleaned_data["name"], form.cleaned_data["document"]
        try:
            policy = create_policy(member=request.member, server=found, name=name, document=document)
        except NameTakenError as error:
            form.add_error("name", str(error))
        except PolicyInvalidError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Version 1 of {policy.name} is published.")
            return redirect("policies:detail", request.member.organisation.slug, policy.id)
    return _show_create(request, found, form, status=422)


@require_safe
@member_view()
def detail(request: MemberRequest, policy: UUID) -> HttpResponse:
    found = policy_for(policy)
    wanted = find_restriction(request.GET.get("restrict", "")) if _can_write(request) else None
    if wanted is None:
        return show_policy(request, found, _start_form(request, found))
    restricted = put_restriction(found, wanted)
    if restricted is None:
        messages.error(request, f"The text of {found.name} is no policy, so the rule was not put in.")
        return show_policy(request, found, None)
    form = PublishForm(initial={"document": restricted.document, "expected": found.current})
    return show_policy(request, found, form, restricted=restricted)


@require_POST
@member_view(write=POLICY_WRITERS)
def publish(request: MemberRequest, policy: UUID) -> HttpResponseBase:
    found = policy_for(policy)
    form = PublishForm(request.POST)
    if not form.is_valid():
        return show_policy(request, found, form, status=422)
    before = found.current
    try:
        version = publish_policy(member=request.member, policy=found, **form.cleaned_data)
    except (PolicyInvalidError, SavedTestsFailedError) as error:
        return show_policy(request, found, form, refusal=error, status=422)
    except ConflictError as error:
        # The typed text stays; sending it again is then a choice made with the other version in view.
        mine = PublishForm(initial={**form.cleaned_data, "expected": found.current})
        return show_policy(request, found, mine, conflict=error, status=409)
    _say_published(request, version, before)
    return redirect("policies:detail", request.member.organisation.slug, found.id)


@never_cache
@require_safe
@member_view()
def current(request: MemberRequest, policy: UUID) -> JsonResponse:
    version = current_version_for(policy_for(policy))
    if version is None:
        return JsonResponse({"number": 0})
    at = version.published_at.isoformat()
    return JsonResponse({"number": version.number, "author": version.author, "published_at": at})


@require_safe
@member_view()
def show_version(request: MemberRequest, policy: UUID, number: int) -> HttpResponse:
    found = policy_for(policy)
    return _show_version(request, found, version_for(found, number))


@require_POST
@member_view(write=POLICY_WRITERS)
def restore(request: MemberRequest, policy: UUID, number: int) -> HttpResponseBase:
    found = policy_for(policy)
    old = version_for(found, number)
    form = RestoreForm(request.POST)
    if not form.is_valid():
        return _show_version(request, found, old, status=422)
    before = found.current
    try:
        version = restore_version(member=request.member, policy=found, number=number, **form.cleaned_data)
    except (PolicyInvalidError, SavedTestsFailedError) as error:
        return _show_version(request, found, old, refusal=error, status=422)
    except ConflictError as error:
        return _show_version(request, found, old, conflict=error, status=409)
    _say_published(request, version, before)
    return redirect("policies:detail", request.member.organisation.slug, found.id)


@require_POST
@member_view(write=POLICY_WRITERS)
def delete(request: MemberRequest, policy: UUID) -> HttpResponseBase:
    found = policy_for(policy)
    server, name = found.server, found.name
    try:
        delete_policy(member=request.member, policy=found)
    except PolicyInUseError as error:
        messages.error(request, str(error))
        return redirect("policies:detail", request.member.organisation.slug, found.id)
    messages.success(request, f"The policy {name} is deleted.")
    return redirect("policies:list", request.member.organisation.slug, server.id)


@require_POST
@member_view(write=EVERYONE)
def validate(request: MemberRequest, server: UUID) -> JsonResponse:
    found = server_for(server)
    try:
        checked = check_document(request.body.decode("utf-8"), found)
    except UnicodeDecodeError:
        checked = refuse_unread("The document is not UTF-8 text.")
    return JsonResponse(asdict(checked))


@require_safe
@member_view()
def tools_data(request: MemberRequest, server: UUID) -> JsonResponse:
    found = server_for(server)
    calls = count_calls(found)
    tools = [{**tool, "calls": calls.by_tool.get(tool["name"], 0)} for tool in listed_tools_for(found)]
    counted = None if calls.is_all else CALLS_MAX
    return JsonResponse({"tools": tools, "days": CALLS_DAYS, "counted": counted, "grammar": describe_grammar()})


def _show_create(
    request: MemberRequest,
    server: Server,
    form: CreateForm,
    *,
    start: Start | None = None,
    wanted: Restriction | None = None,
    status: int = 200,
) -> HttpResponse:
    typed, choices = str(form["document"].value() or ""), list_choices(server)
    form.initial.setdefault("name", _name_like(start, choices, server))
    context = {
        "server": server,
        "tab": "policies",
        "form": form,
        "choices": choices,
        "start": start,
        "wanted": wanted,
        "checked": check_document(typed, server) if typed else None,
    }
    return render(request, "policies/create.html", context, status=status)


def _name_like(start: Start | None, choices: list[StartChoice], server: Server) -> str:
    """The starting point's own name, numbered when another policy of the server has it; "" for an empty editor."""
    title = next((choice.title for choice in choices if choice.start == start != Start.PASTE), "")
    taken = {policy.name for policy in policies_for(server)} if title else set()
    return next(
        name for name in (title, *(f"{title} {number}" for number in range(2, len(taken) + 3))) if name not in taken
    )


def show_policy(
    request: MemberRequest,
    policy: Policy,
    form: PublishForm | None,
    *,
    refusal: PolicyInvalidError | SavedTestsFailedError | None = None,
    conflict: ConflictError | None = None,
    restricted: Restricted | None = None,
    status: int = 200,
) -> HttpResponse:
    """The policy's page; without a form it shows what is in force."""
    version, tools = current_version_for(policy), tool_facts_for(policy.server)
    # What is in the editor and nowhere else.
    is_unsaved = form is not None
    if form is None:
        document = version.document if version else policy.opening
        form = PublishForm(initial={"document": document, "expected": policy.current})
    typed = str(form["document"].value() or "")
    can_write = _can_write(request)
    context = {
        "policy": policy,
        "server": policy.server,
        "tab": "policies",
        "form": form,
        "is_unsaved": is_unsaved,
        "choices": [] if version or typed or not can_write else list_choices(policy.server)[:-1],
        "version": version,
        # What is in force, and what stands in the editor.
        "checked": check_text(version.document, tools) if version else None,
        "typed": check_text(typed, tools) if typed else None,
        "refusal": refusal,
        "is_invalid": isinstance(refusal, PolicyInvalidError),
        "conflict": conflict,
        "conflict_title": conflict.title_for(request.member.name) if conflict else "",
        "restricted": restricted,
        "versions": versions_for(policy).defer("document"),
        "carriers": carriers_of(policy),
        "tests_count": saved_tests_for(policy).count(),
        "can_write": can_write,
    }
    return render(request, "policies/detail.html", context, status=status)


def _start_form(request: MemberRequest, policy: Policy) -> PublishForm | None:
    """The chosen starting point, for a policy that has no text yet."""
    if "start" not in request.GET or policy.current or policy.opening or not _can_write(request):
        return None
    return PublishForm(initial={"document": write_start(_start_of(request), policy.server), "expected": 0})


def _show_version(
    request: MemberRequest,
    policy: Policy,
    version: PolicyVersion,
    *,
    refusal: PolicyInvalidError | SavedTestsFailedError | None = None,
    conflict: ConflictError | None = None,
    status: int = 200,
) -> HttpResponse:
    tools, current = tool_facts_for(policy.server), current_version_for(policy)
    judged = judge_text(version.document, tools)
    in_force = judge_text(current.document if current else "", tools)
    context = {
        "policy": policy,
        "server": policy.server,
        "tab": "policies",
        "version": version,
        "checked": judged.checked,
        "comparison": compare(Side(in_force.text, in_force.policy), Side(judged.text, judged.policy), tools),
        "refusal": refusal,
        "is_invalid": isinstance(refusal, PolicyInvalidError),
        "conflict_title": conflict.title_for(request.member.name) if conflict else "",
        "can_write": _can_write(request),
    }
    return render(request, "policies/version.html", context, status=status)


def _say_published(request: MemberRequest, version: PolicyVersion, before: int) -> None:
    if version.number == before:
        messages.info(request, f"Nothing to publish: version {before} already says exactly this.")
    else:
        messages.success(request, f"Version {version.number} is published. Every gateway has it within 2 seconds.")


def _start_of(request: MemberRequest) -> Start:
    try:
        return Start(request.GET.get("start", Start.RECOMMENDED.value))
    except ValueError:
        raise Http404("no such starting point") from None


def _can_write(request: MemberRequest) -> bool:
    return request.member.role in POLICY_WRITERS
