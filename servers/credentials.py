"""Seals upstream request headers with AES-256-GCM; an opened value must never be logged, shown or put into an error."""

import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

# NIST SP 800-38D, section 8.2: 96 random bits for each sealing.
NONCE_BYTES: Final = 12


class SealBrokenError(Exception):
    """A sealed value does not open: other row, altered, or its key is missing. Carries no secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """The row that a sealed value belongs to; moved to any other row, the value does not open."""

    organisation_id: UUID
    server_id: UUID
    header: str

    @property
    def associated_data(self) -> bytes:
        return f"policylayer header\n{self.organisation_id}\n{self.server_id}\n{self.header.lower()}".encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """Nonce and ciphertext with tag, and the version of the key that sealed them."""

    data: bytes
    key_version: int


def newest_key_version() -> int:
    """The version that seals: the highest in ENCRYPTION_KEYS."""
    return int(max(settings.ENCRYPTION_KEYS))


def seal(value: str, place: Place) -> Sealed:
    """Seal a value for one place with the newest key and a fresh random nonce."""
    version = newest_key_version()
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(settings.ENCRYPTION_KEYS[version])
    return Sealed(nonce + cipher.encrypt(nonce, value.encode(), place.associated_data), version)


def open_sealed(sealed: Sealed, place: Place) -> str:
    """The value that was sealed for exactly this place; raises SealBrokenError for anything else."""
    key = settings.ENCRYPTION_KEYS.get(sealed.key_version)
    if key is None:
        raise SealBrokenError(f"The key of version {sealed.key_version} is not in ENCRYPTION_KEYS.")
    nonce, data = sealed.data[:NONCE_BYTES], sealed.data[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, data, place.associated_data).decode()
    except (InvalidTag, ValueError):
        raise SealBrokenError("The sealed value does not open: enter it again.") from None
