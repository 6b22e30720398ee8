"""The gate of the host's pages: superusers only, and nobody else learns that there is anything."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.tenancy import host

P = ParamSpec("P")


class HostRequest(HttpRequest):
    """A request that passed the gate."""

    user: User


View = Callable[Concatenate[HostRequest, P], HttpResponseBase]


def host_view(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Guard a view below /operator/ and run it in the host's transaction; others who are signed in get 404."""

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_superuser:
            raise Http404("no such page")
        with host():
            return view(request, *args, **kwargs)

    return never_cache(guarded)
