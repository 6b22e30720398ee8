"""The REST API's door: `pla_` keys, the tenant block round each handler, problem+json. Must not know any resource."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from accounts.access import EVERYONE, NOBODY, SAFE_METHODS, Member
from accounts.authentication import ApiKeyAuthentication
from accounts.models import Role
from accounts.tenancy import tenant

__all__ = ["ApiKeyAuthentication", "ApiRequest", "ProblemDetail", "ProblemError", "TenantView", "answer_problem"]

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "The request is not valid",
    401: "No valid API key",
    403: "Not allowed for this key",
    404: "Nothing at this address",
    405: "Method not allowed",
    406: "Only JSON is answered",
    409: "The state has changed",
    415: "Only JSON is read",
    422: "The document is not valid",
    429: "Too many requests",
}


@dataclass(frozen=True, slots=True)
class ProblemDetail:
    """One entry of a problem's `errors`: where (JSON pointer), what, and what was perhaps meant."""

    pointer: str
    message: str
    suggestion: str = ""

    def as_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "message": self.message, "suggestion": self.suggestion}


class ProblemError(APIException):
    """Raised by a handler to answer a problem of its own; `errors` may be left empty."""

    def __init__(self, status_code: int, detail: str, errors: Collection[ProblemDetail] = ()) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.errors = tuple(errors)


class ApiRequest(Request):
    """A request that passed the door."""

    member: Member


class TenantView(APIView):
    """Base of every resource: the handler runs in its key's organisation, in one transaction, if the role allows it.

    `read_roles` may use GET, HEAD and OPTIONS, `write_roles` all other methods; `request.member` is who asks.
    Any problem rolls the transaction back.
    """

    read_roles: ClassVar[Collection[Role]] = EVERYONE
    write_roles: ClassVar[Collection[Role]] = NOBODY

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.is_open = False
        with ExitStack() as self.tenancy:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        member = request.auth
        if not isinstance(member, Member):
            raise PermissionDenied("No organisation is known for this request.")
        method = request.method or ""
        if getattr(self, method.lower(), None) is None:
            return
        if member.role not in (self.read_roles if method in SAFE_METHODS else self.write_roles):
            raise PermissionDenied("The role of this key does not allow this.")
        cast(ApiRequest, request).member = member
        self.tenancy.enter_context(tenant(member.organisation.id))
        self.is_open = True

    def handle_exception(self, exc: Exception) -> Response:
        if self.is_open:
            transaction.set_rollback(True)
        return super().handle_exception(exc)


def answer_problem(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Any expected exception as problem+json (RFC 9457); None, and so a logged 500, for what nobody expected."""
    if isinstance(exc, Http404):
        exc = ProblemError(status.HTTP_404_NOT_FOUND, "It does not exist, or belongs to another organisation.")
    if isinstance(exc, DjangoPermissionDenied):
        exc = PermissionDenied("The role of this key does not allow this.")
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, APIException):
        return response
    errors = tuple(_errors_of(exc))
    detail = str(exc.detail) if isinstance(exc.detail, str) else "See `errors`."
    response.data = {
        "type": "about:blank",
        "title": TITLES.get(response.status_code, "The request failed"),
        "status": response.status_code,
        "detail": detail,
        "errors": [error.as_json() for error in errors],
    }
    response.content_type = CONTENT_TYPE
    return response


def _errors_of(exc: APIException) -> Iterator[ProblemDetail]:
    if isinstance(exc, ProblemError):
        yield from exc.errors
    elif isinstance(exc, ValidationError):
        yield from _flatten(exc.detail, "")


def _flatten(detail: object, pointer: str) -> Iterator[ProblemDetail]:
    if isinstance(detail, dict):
        for name, value in detail.items():
            step = "" if name == "non_field_errors" else f"/{_escape(str(name))}"
            yield from _flatten(value, pointer + step)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            # A list of sentences belongs to its field; a list of objects to the elements of an array.
            yield from _flatten(value, pointer if isinstance(value, str) else f"{pointer}/{index}")
    else:
        yield ProblemDetail(pointer, str(detail))


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
