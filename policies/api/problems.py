"""From the refusals of policies and servers to problem+json; the one table of which refusal has which status."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from accounts.api import ProblemDetail, ProblemError
from policies.engine.parse import Problem
from policies.errors import (
    ConflictError,
    NameTakenError,
    PolicyError,
    PolicyInvalidError,
    SavedTestRefusedError,
    SavedTestsFailedError,
    WrongServerError,
)
from policies.saved_tests import SavedTestResult
from servers.checks import ServerInvalidError


@contextmanager
def problems() -> Iterator[None]:
    """Answer a refusal inside the block as a problem: 422 for a document with errors or that fails a saved test, 400
    for other wrong input, 409 for what the present state does not allow.

    Pointers of a document's errors point into the document, not into the request.
    """
    try:
        yield
    except PolicyInvalidError as error:
        raise ProblemError(422, str(error), details_of(error.problems)) from None
    except SavedTestsFailedError as error:
        raise ProblemError(422, str(error), [_detail_of(failure) for failure in error.failures]) from None
    except SavedTestRefusedError as error:
        raise ProblemError(400, str(error), [ProblemDetail(f"/{error.member}", str(error))]) from None
    except ConflictError as error:
        number = error.version.number if error.version else 0
        detail = ProblemDetail("/expected", f"The current version is {number}.", str(number))
        raise ProblemError(409, str(error), [detail]) from None
    except NameTakenError as error:
        raise ProblemError(409, str(error), [ProblemDetail("/name", str(error))]) from None
    except WrongServerError as error:
        raise ProblemError(400, str(error), [ProblemDetail("/policy", str(error))]) from None
    except ServerInvalidError as error:
        details = [ProblemDetail(f"/{name}", sentence) for name, sentence in error.problems.items()]
        raise ProblemError(400, str(error), details) from None
    except PolicyError as error:
        raise ProblemError(409, str(error), [ProblemDetail("", str(error))]) from None


def details_of(found: Iterable[Problem]) -> list[ProblemDetail]:
    """The engine's problems as entries of a problem's `errors`."""
    return [ProblemDetail(problem.pointer, problem.message, problem.suggestion) for problem in found]


def _detail_of(failure: SavedTestResult) -> ProblemDetail:
    # Into the document, at what decided the call; the words in parentheses are no place in it.
    pointer = failure.got_rule if failure.got_rule.startswith("/") else ""
    return ProblemDetail(pointer, failure.sentence)
