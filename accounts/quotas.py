"""How much of the gateway one organisation may hold at once. Must not count anything: gateway.quotas does."""

from typing import Final, NamedTuple

from accounts.models import Organisation


class Quotas(NamedTuple):
    """`calls` and `streams` are for each gateway process, whose memory and sockets they take; `sessions`, which Redis
    keeps, for the whole installation."""

    calls: int
    streams: int
    sessions: int


# Calls are few because those that end at once take turns with everybody else's; streams are idle most of the time.
USUAL: Final = Quotas(calls=100, streams=500, sessions=10_000)


def quotas_of(organisation: Organisation) -> Quotas:
    """The organisation's own quotas, and the usual one wherever the host set none."""
    own = (organisation.max_calls, organisation.max_streams, organisation.max_sessions)
    return Quotas(*(usual if value is None else value for value, usual in zip(own, USUAL, strict=True)))
