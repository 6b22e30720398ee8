"""Reviewing a draft before it is published, comparing versions, and carrying a policy elsewhere. Only duplicating
writes, and it publishes nothing."""

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import POLICY_WRITERS, MemberRequest, member_view
from policies.access import current_version_for, policy_for, saved_tests_for, version_for, versions_for
from policies.check import Judged, judge_text
from policies.errors import ConflictError, NameTakenError, NothingPublishedError
from policies.export import answer_document
from policies.forms import PublishForm
from policies.models import Policy, PolicyVersion
from policies.review import Comparison, Side, compare
from policies.saved_tests import SavedTestResult, run_saved_tests
from policies.services import duplicate_policy
from policies.views import show_policy
from servers.access import tool_facts_for

EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Review:
    """A draft beside what is in force; `comparison` is None for a draft with errors."""

    draft: Judged
    before: PolicyVersion | None
    comparison: Comparison | None
    results: list[SavedTestResult]

    @property
    def failures(self) -> list[SavedTestResult]:
        return [result for result in self.results if not result.is_passed]

    @property
    def can_publish(self) -> bool:
        return self.comparison is not None and not self.comparison.is_same and not self.failures


class CompareForm(forms.Form):
    before = forms.IntegerField(min_value=1)
    after = forms.IntegerField(min_value=1)


@require_POST
@member_view(write=POLICY_WRITERS)
def review(request: MemberRequest, policy: UUID) -> HttpResponse:
    found = policy_for(policy)
    form = PublishForm(request.POST)
    is_valid = form.is_valid()
    if request.POST.get("do") == EDIT:
        return show_policy(request, found, PublishForm(initial=form.cleaned_data))
    text = form.cleaned_data.get("document", "")
    expected = form.cleaned_data.get("expected", found.current)
    context = {
        **_context_of(found),
        "review": _review_draft(found, text),
        # Publishing from here is judged against the version that is compared here.
        "form": PublishForm(initial={**form.cleaned_data, "expected": found.current}),
        "problems": form.errors,
        "conflict": _say_moved(request, found) if expected != found.current else "",
    }
    return render(request, "policies/review.html", context, status=200 if is_valid else 422)


@require_safe
@member_view()
def compare_versions(request: MemberRequest, policy: UUID) -> HttpResponse:
    found = policy_for(policy)
    numbers = [version.number for version in versions_for(found)]
    asked = CompareForm(request.GET)
    if asked.is_valid():
        before, after = (version_for(found, asked.cleaned_data[name]) for name in ("before", "after"))
    elif numbers and not request.GET:
        before, after = version_for(found, numbers[min(1, len(numbers) - 1)]), version_for(found, numbers[0])
    else:
        raise Http404("no such versions")
    tools = tool_facts_for(found.server)
    old, new = judge_text(before.document, tools), judge_text(after.document, tools)
    context = {
        **_context_of(found),
        "numbers": numbers,
        "before": before,
        "after": after,
        "sides": (before, after) if before != after else (before,),
        # Restoring is offered where what it changes is in view: beside the version in force.
        "restorable": {before.number: after, after.number: before}.get(found.current) if before != after else None,
        "can_write": request.member.role in POLICY_WRITERS,
        "unfit": [version.number for version, side in ((before, old), (after, new)) if side.policy is None],
        "comparison": compare(Side(old.text, old.policy), Side(new.text, new.policy), tools),
    }
    return render(request, "policies/compare.html", context)


@require_safe
@member_view()
def export(request: MemberRequest, policy: UUID) -> HttpResponse:
    found = policy_for(policy)
    version = current_version_for(found)
    if version is None:
        raise Http404("nothing is published")
    return answer_document(found, version)


@require_POST
@member_view(write=POLICY_WRITERS)
def duplicate(request: MemberRequest, policy: UUID) -> HttpResponseBase:
    found = policy_for(policy)
    try:
        copy = duplicate_policy(member=request.member, policy=found)
    except (NothingPublishedError, NameTakenError) as error:
        messages.error(request, str(error))
        return redirect("policies:detail", request.member.organisation.slug, found.id)
    messages.success(request, f"{copy.name} is made and not published: until it is, it denies every call.")
    return redirect("policies:detail", request.member.organisation.slug, copy.id)


def _say_moved(request: MemberRequest, policy: Policy) -> str:
    return ConflictError(current_version_for(policy)).title_for(request.member.name)


def _review_draft(policy: Policy, text: str) -> Review:
    tools = tool_facts_for(policy.server)
    before, draft = current_version_for(policy), judge_text(text, tools)
    if draft.policy is None:
        return Review(draft, before, None, [])
    was = judge_text(before.document, tools) if before else None
    side = Side(was.text, was.policy) if was else Side("", None)
    comparison = compare(side, Side(text, draft.policy), tools)
    results = run_saved_tests(saved_tests_for(policy), draft.policy, tools, timezone.now())
    return Review(draft, before, comparison, results)


def _context_of(policy: Policy) -> dict[str, object]:
    return {"policy": policy, "server": policy.server, "tab": "policies"}
