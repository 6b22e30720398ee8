"""The way from a tool's page to a draft with its rule: for a stranger, then for a member. Publishes nothing."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import POLICY_WRITERS, MemberRequest, member_view, organisations_for, user_of
from accounts.models import Role
from catalog.answers import SIMULATED
from catalog.restrictions import Restriction, find_restriction, forget, remember
from policies.access import policies_for
from policies.models import Policy
from servers.access import is_discovering, servers_for, servers_offering
from servers.marks import load_progress
from servers.models import Server


@dataclass(frozen=True, slots=True)
class Place:
    """A server that offers the tool, with the policies whose draft could take the rule."""

    server: Server
    policies: list[Policy]


@never_cache
@require_safe
def restrict(request: HttpRequest, known: str, tool: str, way: str) -> HttpResponse:
    wanted = _find_or_404(f"{known}/{tool}/{way}")
    if not request.user.is_authenticated:
        response = render(
            request, "policies/restrict.html", {"wanted": wanted, "is_simulated": wanted.tool.server.slug == SIMULATED}
        )
        remember(response, wanted)
        return response
    user = user_of(request)
    mine = organisations_for(user)
    if not mine:
        response = redirect("accounts:create_organisation")
        remember(response, wanted)
        return response
    last = next((each for each in mine if each.id == user.last_organisation), mine[0])
    response = redirect(f"{reverse('policies:restrict_in', args=[last.slug])}?{urlencode({'restrict': wanted.key})}")
    forget(response)
    return response


@never_cache
@require_safe
@member_view()
def restrict_in(request: MemberRequest) -> HttpResponse:
    wanted = _find_or_404(request.GET.get("restrict", ""))
    name = wanted.tool.name
    places = _list_places(name)
    can_write = request.member.role in POLICY_WRITERS
    if can_write and len(places) == 1 and not places[0].policies:
        address = reverse("policies:create", args=[request.member.organisation.slug, places[0].server.id])
        return redirect(f"{address}?{urlencode({'restrict': wanted.key})}")
    context = {
        "wanted": wanted,
        "places": places,
        "others": [each for each in request.organisations if each != request.member.organisation],
        "can_write": can_write,
        "can_register": request.member.role == Role.ADMIN,
    }
    return render(request, "policies/restrict_in.html", context | _wait_for_tools(places))


def _wait_for_tools(places: list[Place]) -> dict[str, object]:
    """The server whose tools are being read just now, where none offers the tool yet."""
    server = None if places else next((each for each in servers_for() if is_discovering(each)), None)
    return {"server": server, "progress": load_progress(server.organisation_id, server.id)} if server else {}


def _list_places(tool: str) -> list[Place]:
    policies: dict[object, list[Policy]] = {}
    for policy in policies_for():
        policies.setdefault(policy.server_id, []).append(policy)
    return [Place(server, policies.get(server.id, [])) for server in servers_offering(tool)]


def _find_or_404(key: str) -> Restriction:
    found = find_restriction(key)
    if found is None:
        raise Http404("no such rule of the catalogue")
    return found
