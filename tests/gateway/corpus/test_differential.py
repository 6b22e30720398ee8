"""What the policy saw is what every upstream's parser sees; a document on which parsers differ goes no further."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.corpus.documents import COUNT, write_documents
from tests.gateway.corpus.readers import READERS, UNREADABLE, read_exactly, read_with_node, read_with_python, say
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, agent_of, make_world

pytestmark = pytest.mark.slow

# All four and one that takes the first of two equal keys.
PARSERS = len(READERS) + 1
# Of the 400; other figures mean that the corpus or the strictness has changed.
FORWARDED_AND_REFUSED = (204, 196)


@dataclass(frozen=True)
class Sent:
    """A document and the bytes that the upstream got of it, None when it got nothing."""

    document: bytes
    status: int
    forwarded: bytes | None


@pytest.fixture(scope="module")
def corpus(rows: None, gateway: str, recorder: RecordingUpstream) -> list[Sent]:
    recorder.reset()
    agent = agent_of(gateway, make_world(recorder.url, ALLOW))
    found = []
    for document in write_documents():
        recorder.received.clear()
        status = agent.post(document).status_code
        assert len(recorder.received) == (1 if status == 200 else 0)
        found.append(Sent(document, status, recorder.received[0].body if recorder.received else None))
    return found


def read_all(documents: Sequence[bytes]) -> dict[str, list[Any]]:
    return {**read_with_python(documents), "Node": read_with_node(documents)}


def test_the_corpus_is_what_it_was(corpus: list[Sent]) -> None:
    assert len({sent.document for sent in corpus}) == len(corpus) == COUNT == 400
    assert write_documents() == [sent.document for sent in corpus]
    forwarded = sum(sent.forwarded is not None for sent in corpus)
    assert (forwarded, COUNT - forwarded) == FORWARDED_AND_REFUSED
    assert {sent.status for sent in corpus} == {200, 400}


def test_every_parser_sees_what_the_policy_saw(corpus: list[Sent]) -> None:
    passed = [sent for sent in corpus if sent.forwarded is not None]
    seen = read_all([sent.forwarded or b"" for sent in passed])
    assert len(seen) == PARSERS
    for at, sent in enumerate(passed):
        judged = read_exactly(sent.document)
        assert judged is not None, sent.document
        assert sent.forwarded is not None
        assert all(found[at] == say(judged) for found in seen.values()), sent.document
        # Token by token too, where a parser keeps them: not a digit is lost on the way.
        assert is_same_exactly(json.loads(sent.forwarded, parse_float=Decimal), judged), sent.document


def is_same_exactly(found: Any, judged: Any) -> bool:
    if isinstance(found, int | Decimal) and isinstance(judged, int | Decimal):
        return str(found) == str(judged)
    if type(found) is not type(judged):
        return False
    if isinstance(found, dict):
        return list(found) == list(judged) and all(is_same_exactly(found[key], judged[key]) for key in found)
    if isinstance(found, list):
        return len(found) == len(judged) and all(map(is_same_exactly, found, judged))
    return bool(found == judged)


def test_a_document_on_which_parsers_differ_is_refused(corpus: list[Sent]) -> None:
    seen = read_all([sent.document for sent in corpus])
    disputed = [at for at in range(COUNT) if any(found[at] != seen["json"][at] for found in seen.values())]
    unreadable = [at for at in range(COUNT) if all(found[at] == UNREADABLE for found in seen.values())]
    assert len(disputed) >= 70 and len(unreadable) >= 70
    assert [corpus[at].document for at in (*disputed, *unreadable) if corpus[at].forwarded is not None] == []


def test_no_two_parsers_read_all_documents_alike(corpus: list[Sent]) -> None:
    seen = read_all([sent.document for sent in corpus])
    assert [(one, other) for one, other in itertools.combinations(seen, 2) if seen[one] == seen[other]] == []
