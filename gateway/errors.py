"""Why the gateway answers without the upstream, each with its HTTP status and JSON-RPC code; never a secret in a text.

GatewayError
├── AccessError
│   ├── HostError                 400  the Host is not one of this installation's
│   ├── OriginError               403  a page of another origin sent this
│   ├── UnauthorisedError         401  no valid token for this URL
│   └── StreamlessError           405  a GET that the upstream does not stream
├── MessageError
│   ├── ParseError                400  -32700  not JSON, or JSON that parsers read differently
│   ├── InvalidRequestError       400  -32600  JSON, but not one JSON-RPC message
│   ├── TooLargeError             413  -32600
│   ├── MediaTypeError            415  -32600  not plain application/json
│   ├── BodyTimeoutError          408  the body came too slowly
│   ├── HeaderMismatchError       400  -32020  headers and body say different things
│   ├── MetaMissingError          400  -32602  the header names a version whose requests say it in the body
│   └── VerbError                 405  not POST, GET or DELETE
├── SessionError
│   └── SessionUnknownError       404  unknown, ended or somebody else's session
├── RefusalError                        decided and recorded; the MCP session lives on
│   ├── MethodUnknownError        200  -32601
│   │   └── ModernMethodUnknownError  404      as MCP 2026-07-28 wants it; to a legacy client 404 ends its session
│   ├── MethodDeniedError         200  -31403
│   ├── ToolUnknownError          200  -32602  unknown, hidden or changed: one answer for the three
│   └── BusyError                 200  -31429  over the organisation's quota of calls
├── QuotaError                    429  -31429  over a quota of streams, sessions or messages
└── UnavailableError              503  a store that this answer needs is away
    └── StandingError             503  organisation, server or grant is stopped, or the policy is not confirmed

The upstream's own failures are servers.upstream.http.UpstreamError (502, 504); `answer_of` maps both trees.
"""

from typing import ClassVar, Final, NamedTuple

from servers.upstream.http import UpstreamError, UpstreamTimeoutError

UNAUTHORISED: Final = -31401
DENIED: Final = -31403
NOT_FOUND: Final = -31404
NOT_ALLOWED: Final = -31405
TOO_SLOW: Final = -31408
OVER_QUOTA: Final = -31429
UPSTREAM_FAILED: Final = -31502
UNAVAILABLE: Final = -31503
UPSTREAM_SLOW: Final = -31504


class GatewayError(Exception):
    """The text goes to the client as it is."""

    status: ClassVar[int] = 500
    code: ClassVar[int] = UNAVAILABLE


class AccessError(GatewayError):
    pass


class HostError(AccessError):
    status, code = 400, DENIED


class OriginError(AccessError):
    status, code = 403, DENIED


class UnauthorisedError(AccessError):
    status, code = 401, UNAUTHORISED


class StreamlessError(AccessError):
    status, code = 405, NOT_ALLOWED


class MessageError(GatewayError):
    status, code = 400, -32600


class ParseError(MessageError):
    code = -32700


class InvalidRequestError(MessageError):
    pass


class TooLargeError(MessageError):
    status = 413


class MediaTypeError(MessageError):
    status = 415


class BodyTimeoutError(MessageError):
    status, code = 408, TOO_SLOW


class HeaderMismatchError(MessageError):
    code = -32020


class MetaMissingError(MessageError):
    code = -32602


class VerbError(MessageError):
    status, code = 405, NOT_ALLOWED


class SessionError(GatewayError):
    pass


class SessionUnknownError(SessionError):
    status, code = 404, NOT_FOUND


class RefusalError(GatewayError):
    status, code = 200, DENIED


class MethodUnknownError(RefusalError):
    code = -32601


class ModernMethodUnknownError(MethodUnknownError):
    status = 404


class MethodDeniedError(RefusalError):
    pass


class ToolUnknownError(RefusalError):
    code = -32602


class BusyError(RefusalError):
    code = OVER_QUOTA


class QuotaError(GatewayError):
    status, code = 429, OVER_QUOTA


class UnavailableError(GatewayError):
    status, code = 503, UNAVAILABLE


class StandingError(UnavailableError):
    """Refuses a message that is not a call, whatever it says; `rule` is for the record."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class ErrorAnswer(NamedTuple):
    """What a failure becomes on the wire."""

    status: int
    code: int
    message: str


def answer_of(error: GatewayError | UpstreamError) -> ErrorAnswer:
    """The one table from our errors to HTTP and JSON-RPC."""
    if isinstance(error, UpstreamTimeoutError):
        return ErrorAnswer(504, UPSTREAM_SLOW, str(error))
    if isinstance(error, UpstreamError):
        return ErrorAnswer(502, UPSTREAM_FAILED, str(error))
    return ErrorAnswer(error.status, error.code, str(error))
