"""How operations are described in OpenAPI: each with its answers, its problems and its headers."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from policies.api.idempotency import HEADER
from policies.api.paging import PageQuery
from policies.api.shapes import ProblemJson

F = TypeVar("F", bound=Callable[..., Any])
PROBLEM_TYPE = "application/problem+json"
IDEMPOTENCY = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Creates once in 24 hours, however often the request is sent with it.",
)
SERVER_FILTER = OpenApiParameter("server", OpenApiTypes.UUID, description="Only those of this server.")


def describe(
    operation: str, *, answers: dict[Any, Any], body: Any = None, problems: tuple[int, ...] = (), tag: str
) -> Callable[[F], F]:
    """Describe an operation that is no list. Every one may answer 400, 401, 403 and 404; `problems` adds to these."""
    return _describe(operation, answers=answers, body=body, problems=problems, tag=tag, parameters=[])


def describe_creation(operation: str, *, answers: dict[int, Any], body: Any, tag: str) -> Callable[[F], F]:
    """Describe a POST that creates and takes an Idempotency-Key."""
    every = (409, 422, 503)
    return _describe(operation, answers=answers, body=body, problems=every, tag=tag, parameters=[IDEMPOTENCY])


def describe_list(operation: str, page: Any, *, tag: str, filters: tuple[Any, ...] = ()) -> Callable[[F], F]:
    """Describe a list with cursor paging."""
    return _describe(operation, answers={200: page}, body=None, problems=(), tag=tag, parameters=[PageQuery, *filters])


def _describe(
    operation: str, *, answers: dict[Any, Any], body: Any, problems: tuple[int, ...], tag: str, parameters: list[Any]
) -> Callable[[F], F]:
    responses: dict[Any, Any] = dict(answers)
    for status in sorted({400, 401, 403, 404, *problems}):
        responses[status, PROBLEM_TYPE] = ProblemJson
    decorate: Callable[[F], F] = extend_schema(
        operation_id=operation, request=body, responses=responses, tags=[tag], parameters=parameters
    )
    return decorate
