"""The host's pages: contact messages, organisations, health. Decide nothing here: the gate and services do."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Member, organisation_for
from accounts.contact.access import count_states, message_for, search_messages
from accounts.contact.mail import host_address
from accounts.contact.services import mark_message
from accounts.forms import QuotaForm
from accounts.models import ContactState, Role
from accounts.operator.access import count_for, search_organisations
from accounts.operator.gate import HostRequest, host_view
from accounts.operator.registry import count_titles, find_health
from accounts.services import set_quotas
from accounts.tenancy import tenant

# What a button says, for each state that it sets.
ACTIONS = {
    ContactState.READ: "Mark as read",
    ContactState.ANSWERED: "Mark as answered",
    ContactState.SPAM: "Mark as spam",
    ContactState.NEW: "Mark as new",
}


@require_safe
@host_view
def start(request: HttpRequest) -> HttpResponse:
    return redirect("accounts:contact_messages")


@require_safe
@host_view
def inbox(request: HttpRequest) -> HttpResponse:
    state, text = parse_state(request.GET.get("state", "")), request.GET.get("q", "")
    shown = search_messages(state=state.value if state else "", text=text, page=request.GET.get("page", ""))
    counts = count_states(text=text)
    tabs = [("", "All but spam", sum(counts.values()) - counts["spam"])]
    tabs += [(each.value, each.value.capitalize(), counts[each.value]) for each in ContactState]
    context = {"page": shown, "tabs": tabs, "state": state.value if state else "", "q": text}
    return render(request, "operator/messages.html", context | {"mails_to": host_address()})


@require_safe
@host_view
def message(request: HttpRequest, message: UUID) -> HttpResponse:
    found = message_for(message)
    actions = [(state.value, text) for state, text in ACTIONS.items() if state.value != found.state]
    return render(request, "operator/message.html", {"message": found, "actions": actions})


@require_POST
@host_view
def mark(request: HostRequest, message: UUID) -> HttpResponse:
    found, state = message_for(message), parse_state(request.POST.get("state", ""))
    if state is None:
        messages.error(request, "Choose what to mark the message as. Nothing was changed.")
        return redirect("accounts:contact_message", message=message)
    mark_message(message=found, state=state, by=request.user.email)
    messages.success(request, f"The message from {found.name} is marked as {state.value}.")
    return redirect("accounts:contact_messages")


@require_safe
@host_view
def organisations(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    shown = search_organisations(text=text, page=request.GET.get("page", ""))
    context = {"page": shown, "tenants": [count_for(each) for each in shown], "titles": count_titles(), "q": text}
    return render(request, "operator/organisations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@host_view
def organisation(request: HostRequest, tenant_id: UUID) -> HttpResponse:
    found = organisation_for(tenant_id)
    form = QuotaForm(request.POST if request.method == "POST" else None, initial=QuotaForm.values_of(found))
    if form.is_bound and form.is_valid():
        member = Member(found, Role.ADMIN, f"{request.user.email} (host)", request.user)
        with tenant(found.id):
            set_quotas(member=member, **form.cleaned_data)
        messages.success(request, f"The quotas of {found.name} are set. Gateways follow within 2 seconds.")
        return redirect("accounts:operator_organisation", tenant_id=found.id)
    context = {"organisation": found, "form": form}
    return render(request, "operator/organisation.html", context, status=422 if form.is_bound else 200)


@require_safe
@host_view
def health(request: HttpRequest) -> HttpResponse:
    return render(request, "operator/health.html", {"findings": find_health(), "now": timezone.now()})


def parse_state(text: str) -> ContactState | None:
    try:
        return ContactState(text)
    except ValueError:
        return None
