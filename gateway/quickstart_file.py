"""What quickstart made before, kept in DIR/quickstart.json for the owner of the folder alone; it holds secrets."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

NAME = "quickstart.json"


@dataclass(frozen=True, slots=True)
class MintedToken:
    grant_id: str
    token: str = field(repr=False)


@dataclass(slots=True)
class QuickstartFile:
    """Ids by what they were asked with, and the server that each organisation had last; saved whole."""

    path: Path
    last_servers: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    organisations: dict[str, str] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    grants: dict[str, MintedToken] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[Self]:
        """The file of this folder; a second run in the same folder waits until the first has ended."""
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = cls._read(folder / NAME)
            yield file
            file.save()
        finally:
            os.close(lock)

    @classmethod
    def _read(cls, path: Path) -> Self:
        if not path.exists():
            return cls(path)
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        grants = {key: MintedToken(**value) for key, value in kept.pop("grants").items()}
        return cls(path, grants=grants, **kept)

    def save(self) -> None:
        """Replace the file; it is never readable by others, not even for a moment."""
        kept = asdict(self)
        del kept["path"]
        written = self.path.with_suffix(".json.new")
        written.unlink(missing_ok=True)
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as stream:
            json.dump(kept, stream, indent=2, ensure_ascii=False)
        written.replace(self.path)
