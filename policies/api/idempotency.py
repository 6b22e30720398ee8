"""`Idempotency-Key` on creating requests: one key creates once, for 24 hours. Must rather refuse than create twice,
and must never keep a token."""

import json
from collections.abc import Callable
from functools import partial, wraps
from hashlib import sha256
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar

from django.core.cache import cache
from django.db import transaction
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import ApiRequest, ProblemDetail, ProblemError
from accounts.shards import key_of

HEADER = "Idempotency-Key"
KEPT_SECONDS = 24 * 3600
KEY_LENGTH_MAX = 200
# Members of an answer that only the first request gets.
ONCE = ("token",)

P = ParamSpec("P")
V = TypeVar("V", bound=APIView)
Handler = Callable[Concatenate[V, ApiRequest, P], Response]


class Kept(TypedDict):
    """What is kept of a request: which one it was, and its answer once that is certain."""

    digest: str
    status: int
    data: Any


def once(handler: Handler[V, P]) -> Handler[V, P]:
    """Let a handler run once for each key of an organisation.

    The same request again gets the first answer, less its token, with `Idempotency-Replayed: true`. Another request
    under the same key is 422. While the first one runs, or when a crash left its outcome unknown, 409. Without Redis a
    request that carries a key is 503; one that carries none runs as usual.
    """

    @wraps(handler)
    def guarded(view: V, request: ApiRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        name, digest = _name_of(request, key), _digest_of(request)
        try:
            kept = _claim(name, digest)
        except RedisError:
            raise ProblemError(503, "Idempotency keys cannot be checked now: nothing was created. Try again.") from None
        if kept is not None:
            return _replay(kept, digest)
        try:
            response = handler(view, request, *args, **kwargs)
        except BaseException:
            _forget(name)
            raise
        _keep_on_commit(name, digest, response)
        return response

    return guarded


def _name_of(request: ApiRequest, key: str) -> str:
    if not key or len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        message = f"{HEADER} is 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        raise ProblemError(400, message, [ProblemDetail("", message)])
    return key_of(request.member.organisation.id, "idempotency", sha256(key.encode()).hexdigest())


def _digest_of(request: ApiRequest) -> str:
    # Keyed, because a body may hold a secret that a plain hash would let somebody guess.
    text = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return salted_hmac("policies.idempotency", text, algorithm="sha256").hexdigest()


def _claim(name: str, digest: str) -> Kept | None:
    # Kept for as long as an answer: a claim that vanished sooner would let the request after a crash create again.
    if cache.add(name, _dump({"digest": digest, "status": 0, "data": None}), KEPT_SECONDS):
        return None
    found = cache.get(name)
    if found is None:
        raise ProblemError(409, "A request with this key has just failed: send it again.")
    kept: Kept = json.loads(found)
    return kept


def _replay(kept: Kept, digest: str) -> Response:
    if kept["digest"] != digest:
        raise ProblemError(422, f"This {HEADER} was used for another request: choose a new one.")
    if not kept["status"]:
        message = "The first request with this key still runs, or its outcome is unknown: look, then use a new key."
        raise ProblemError(409, message)
    return Response(kept["data"], status=kept["status"], headers={"Idempotency-Replayed": "true"})


def _keep_on_commit(name: str, digest: str, response: Response) -> None:
    data = {member: None if member in ONCE else value for member, value in (response.data or {}).items()}
    text = _dump({"digest": digest, "status": response.status_code, "data": data})
    # Robust: what is committed stays answered as such; the claim then stands as an unknown outcome.
    transaction.on_commit(partial(cache.set, name, text, KEPT_SECONDS), robust=True)


def _forget(name: str) -> None:
    try:
        cache.delete(name)
    except RedisError:
        return


def _dump(kept: Kept) -> str:
    return json.dumps(kept, default=str)
