"""`pla_` keys for the REST API. Apart from accounts.api: rest_framework.views imports this while it loads itself."""

from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.access import Member, member_for_key


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What stands in request.user: a key is nobody's session."""

    member: Member
    is_authenticated: bool = field(default=True, init=False)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer pla_...`; unknown, expired and revoked keys are told apart by nobody."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, Member] | None:
        header = get_authorization_header(request)
        if not header:
            return None
        scheme, _, token = header.decode("latin-1").partition(" ")
        member = member_for_key(token.strip()) if scheme.lower() == "bearer" else None
        if member is None:
            raise AuthenticationFailed("The API key is unknown, expired or revoked.")
        return KeyHolder(member), member

    def authenticate_header(self, request: Request) -> str:
        # RFC 6750, section 3: the error code only when a token was there to be wrong.
        error = ', error="invalid_token"' if get_authorization_header(request) else ""
        return f'Bearer realm="PolicyLayer API"{error}'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry is untyped
    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "pla_..."}
