"""The page and the panel that wait for an agent's first call; they look, and change nothing."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import MemberRequest, member_view
from gateway.waiting import look_out
from policies.access import grant_for
from policies.models import Grant
from policies.snippets import gateway_url_of
from servers.access import server_for
from servers.models import Server

NO_CONTENT = 204


@never_cache
@require_safe
@member_view()
def show_waiting(request: MemberRequest, server: UUID) -> HttpResponse:
    found = server_for(server)
    grant = _read_grant(request, found)
    waiting = look_out(found, grant)
    if request.GET.get("seen") == waiting.digest:
        return HttpResponse(status=NO_CONTENT)
    asked = {"seen": waiting.digest, **({"grant": str(grant.id)} if grant else {})}
    context = {
        "server": found,
        "tab": "grants",
        "grant": grant,
        "waiting": waiting,
        "gateway_url": gateway_url_of(found.id),
        # A call that came through ends the wait.
        "poll": "" if waiting.first else f"?{urlencode(asked)}",
    }
    is_panel = request.headers.get("HX-Request") == "true"
    return render(request, "gateway/_waiting.html" if is_panel else "gateway/waiting.html", context)


def _read_grant(request: HttpRequest, server: Server) -> Grant | None:
    text = request.GET.get("grant", "")
    if not text:
        return None
    try:
        grant = grant_for(UUID(text))
    except ValueError:
        raise Http404("no such grant") from None
    if grant.server_id != server.id:
        raise Http404("no such grant")
    return grant
