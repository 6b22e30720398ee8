"""A world whose upstream plays what its calls name."""

from collections.abc import Iterator

import pytest

from tests.gateway.faults.plays import RESULT, answer_of, say
from tests.gateway.faults.table import QUIET, SLOW_FAULTS
from tests.gateway.faults.upstreams import RawUpstream, serve_raw
from tests.gateway.world import ALLOW, World, make_world

FINE = "fine"


@pytest.fixture(scope="module")
def raw() -> Iterator[RawUpstream]:
    plays = {fault.name: fault.play for fault in (*QUIET, *SLOW_FAULTS)}
    with serve_raw(RawUpstream({**plays, FINE: say(answer_of(RESULT))})) as upstream:
        yield upstream


@pytest.fixture
def world(rows: None, raw: RawUpstream) -> World:
    raw.received.clear()
    return make_world(raw.url, ALLOW)
