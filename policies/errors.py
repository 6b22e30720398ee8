"""What writes of this app refuse. Below PolicyError: PolicyInvalidError (the document), ConflictError (somebody else
published), SavedTestsFailedError, SavedTestRefusedError, NameTakenError, PolicyInUseError (grants carry it),
GrantRevokedError, GrantEndedError, GrantReplacedError, WrongServerError, FormUsedError, NothingPublishedError."""

from collections.abc import Sequence

from policies.engine.parse import Problem
from policies.models import PolicyVersion
from policies.saved_tests import SavedTestResult


class PolicyError(Exception):
    """Root of this app's refusals; its text is a sentence for the person who asked."""


class PolicyInvalidError(PolicyError):
    """The document has errors against the server's pinned tools; nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(f"The document has {count} error{'' if count == 1 else 's'}; nothing was published.")
        self.problems = tuple(problems)


class ConflictError(PolicyError):
    """Somebody published after the editor was opened; `version` is what they published, None before the first."""

    def __init__(self, version: PolicyVersion | None) -> None:
        self.version = version
        title = self.title_for("")
        super().__init__(title if version is None else f"{title} Nothing of yours was published.")

    def title_for(self, reader: str) -> str:
        """Who published, and when, for a reader of this name, who may have done it in another window."""
        if self.version is None:
            return "This policy has no published version yet: reload it before you publish."
        if self.version.author == reader:
            return f"You published version {self.version.number} in another window."
        at = self.version.published_at
        return f"{self.version.author} published version {self.version.number} on {at.day} {at:%b %Y, %H:%M} UTC."


class SavedTestsFailedError(PolicyError):
    """The document decides saved calls otherwise than they expect; nothing was written."""

    def __init__(self, failures: Sequence[SavedTestResult]) -> None:
        what = "A saved test fails" if len(failures) == 1 else f"{len(failures)} saved tests fail"
        sentences = " ".join(failure.sentence for failure in failures)
        super().__init__(f"{what}, so nothing was published. {sentences}")
        self.failures = tuple(failures)


class SavedTestRefusedError(PolicyError):
    """A call that cannot be kept as a test; `member` is what is wrong of it."""

    def __init__(self, member: str, message: str) -> None:
        super().__init__(message)
        self.member = member


class NothingPublishedError(PolicyError):
    """There is no document to duplicate or to hand out yet."""

    def __init__(self) -> None:
        super().__init__("This policy has no published version yet.")


class NameTakenError(PolicyError):
    """A server's policies have different names, and so have a policy's tests."""

    def __init__(self, name: str, what: str = "This server already has a policy") -> None:
        super().__init__(f"{what} named “{name}”: choose another name.")


class PolicyInUseError(PolicyError):
    """An agent lives under this policy, so it cannot be deleted."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(f"Grants still carry this policy: {', '.join(labels)}. Give them another policy first.")
        self.labels = tuple(labels)


class GrantRevokedError(PolicyError):
    """A revoked grant stays as it is."""

    def __init__(self) -> None:
        super().__init__("This grant is revoked and cannot be changed: mint another one.")


class GrantEndedError(PolicyError):
    """What has expired is not continued by a new token."""

    def __init__(self) -> None:
        super().__init__("This grant has expired, so there is nothing to go on with: mint another one.")


class GrantReplacedError(PolicyError):
    """A grant has one successor, so that nobody wonders which token is the right one."""

    def __init__(self, last_four: str) -> None:
        super().__init__(
            f"This grant was replaced already, by the token that ends in {last_four}."
            " Rotate that one, or revoke it first."
        )


class WrongServerError(PolicyError):
    """A grant carries a policy of its own server only."""

    def __init__(self) -> None:
        super().__init__("That policy belongs to another server.")


class FormUsedError(PolicyError):
    """The form was sent twice; the grant that the first sending minted stays the only one."""

    def __init__(self) -> None:
        super().__init__(
            "This form has already minted its grant, and a token is shown once. If it is lost, mint another."
        )
