"""The signed number that each contact form carries: it expires, works once, and tells when the form was shown.

It stands in for a CSRF token too, as the form acts with nobody's rights; it must never be tied to a session.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from django.core.signing import BadSignature, Signer

VALID_SECONDS: Final = 24 * 3600
# Nobody fills in three fields faster than this.
QUICKEST_SECONDS: Final = 2.0
MAX_LENGTH: Final = 300
_SIGNER: Final = Signer(salt="accounts.contact")


@dataclass(frozen=True, slots=True)
class FormToken:
    """One form: its number, and when it was shown (Unix seconds). `is_renewed`: shown again with what was typed."""

    id: UUID
    shown_at: float
    is_renewed: bool

    def is_too_quick(self, now: float) -> bool:
        """Whether it was sent sooner after it was shown than a person can; never so when the text was typed before."""
        return not self.is_renewed and now - self.shown_at < QUICKEST_SECONDS


def make_token(now: float, *, is_renewed: bool = False) -> str:
    """The text of a fresh token for a form that is shown now."""
    return _SIGNER.sign_object([uuid4().hex, now, is_renewed])


def read_token(text: str, now: float) -> FormToken | None:
    """The token that this text is; None when it is not ours, or was shown more than a day ago."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        number, shown_at, is_renewed = _SIGNER.unsign_object(text)
    except BadSignature:
        return None
    return FormToken(UUID(number), shown_at, is_renewed) if now - shown_at <= VALID_SECONDS else None
