"""The test panel and the saved tests of a policy. Trying a call changes nothing, so whoever may read may try."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import EVERYONE, POLICY_WRITERS, MemberRequest, member_view
from policies.access import current_version_for, policy_for, saved_test_for, saved_tests_for
from policies.argument_fields import list_fields
from policies.check import Judged, judge_text
from policies.engine.tools import ToolFacts
from policies.errors import NameTakenError, SavedTestRefusedError
from policies.models import Policy, PolicyVersion
from policies.saved_tests import Expectation, SavedTestResult, run_saved_tests
from policies.services import delete_test, save_test
from policies.trial import Trial, try_call
from policies.trial_form import SaveTestForm, TrialForm, TypedCall, read_typed_call
from policies.written_calls import write_arguments
from servers.access import tool_facts_for

JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Panel:
    """What the panel judges by: a draft that came along with the request, or else the published version."""

    policy: Policy
    version: PolicyVersion | None
    tools: dict[str, ToolFacts]
    draft: str
    judged: Judged | None


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(write=EVERYONE)
def panel(request: MemberRequest, policy: UUID) -> HttpResponse:
    opened = _open_panel(policy, request.POST.get("document", ""))
    if request.POST.get("do") != JUDGE:
        tool = request.POST.get("tool", request.GET.get("tool", ""))
        form = TrialForm(initial={"tool": tool, "document": opened.draft})
        return _show_panel(request, opened, TypedCall(form, tool, list_fields(opened.tools.get(tool))))
    typed = read_typed_call(request.POST, opened.tools)
    if typed.call is None or opened.judged is None or opened.judged.policy is None:
        return _show_panel(request, opened, typed, status=422)
    trial = try_call(opened.judged.text, opened.judged.policy, opened.tools, typed.call)
    return _show_panel(request, opened, typed, trial=trial, save=_offer_test(typed, trial))


@require_POST
@member_view(write=POLICY_WRITERS)
def keep_test(request: MemberRequest, policy: UUID) -> HttpResponseBase:
    found = policy_for(policy)
    form = SaveTestForm(request.POST)
    if form.is_valid():
        try:
            test = save_test(member=request.member, policy=found, wanted=Expectation(**form.cleaned_data))
        except NameTakenError as error:
            form.add_error("name", str(error))
        except SavedTestRefusedError as error:
            form.add_error(error.member, str(error))
        else:
            messages.success(request, f"The test “{test.name}” is kept. A version that fails it is not published.")
            return redirect("policies:tests", request.member.organisation.slug, found.id)
    return _show_tests(request, _open_panel(policy, ""), form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(write=EVERYONE)
def run_tests(request: MemberRequest, policy: UUID) -> HttpResponse:
    return _show_tests(request, _open_panel(policy, request.POST.get("document", "")))


@require_POST
@member_view(write=POLICY_WRITERS)
def drop_test(request: MemberRequest, policy: UUID, test: UUID) -> HttpResponseBase:
    found = policy_for(policy)
    kept = saved_test_for(found, test)
    delete_test(member=request.member, test=kept)
    messages.success(request, f"The test “{kept.name}” is deleted.")
    return redirect("policies:tests", request.member.organisation.slug, found.id)


def _open_panel(policy: UUID, draft: str) -> Panel:
    found = policy_for(policy)
    version, tools = current_version_for(found), tool_facts_for(found.server)
    draft = draft.replace("\r\n", "\n")
    if draft.strip() and (version is None or draft != version.document):
        return Panel(found, version, tools, draft, judge_text(draft, tools))
    return Panel(found, version, tools, "", judge_text(version.document, tools) if version else None)


def _offer_test(typed: TypedCall, trial: Trial) -> SaveTestForm:
    return SaveTestForm(
        initial={
            "tool": typed.tool,
            "arguments": write_arguments(typed.arguments),
            "expected_outcome": trial.decision.outcome.value,
            "at": typed.at,
        }
    )


def _show_panel(
    request: MemberRequest,
    panel: Panel,
    typed: TypedCall,
    *,
    trial: Trial | None = None,
    save: SaveTestForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **_context_of(request, panel),
        "typed": typed,
        "names": sorted(panel.tools),
        "facts": panel.tools.get(typed.tool),
        "trial": trial,
        "save": save,
    }
    return render(request, "policies/trial.html", context, status=status)


def _show_tests(
    request: MemberRequest, panel: Panel, *, form: SaveTestForm | None = None, status: int = 200
) -> HttpResponse:
    results: list[SavedTestResult] = []
    if panel.judged is not None and panel.judged.policy is not None:
        results = run_saved_tests(saved_tests_for(panel.policy), panel.judged.policy, panel.tools, timezone.now())
    context = {
        **_context_of(request, panel),
        "results": results,
        "failing": sum(not result.is_passed for result in results),
        "tests": [] if results else list(saved_tests_for(panel.policy)),
        "form": form,
    }
    return render(request, "policies/tests.html", context, status=status)


def _context_of(request: MemberRequest, panel: Panel) -> dict[str, object]:
    return {
        "policy": panel.policy,
        "server": panel.policy.server,
        "tab": "policies",
        "version": panel.version,
        "draft": panel.draft,
        "checked": panel.judged.checked if panel.judged else None,
        "can_write": request.member.role in POLICY_WRITERS,
    }
