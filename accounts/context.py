"""Template context: the organisations that the signed-in person can switch to, and whether there is an outbox."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import organisations_for


def organisations(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    context = {"member": getattr(request, "member", None), "has_outbox": settings.EMBEDDED}
    if hasattr(request, "organisations"):
        context["organisations"] = request.organisations
    elif user is not None and user.is_authenticated:
        context["organisations"] = SimpleLazyObject(lambda: organisations_for(user))
    return context
