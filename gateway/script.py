"""A Lua script that Redis keeps by its digest; must not know what the script does."""

import hashlib
from pathlib import Path
from typing import Any

from gateway.wire import Argument, StoreAwayError, StoreReplyError, Wire


class Script:
    """One file of this folder; raises gateway.wire.StoreAwayError when it was not run, or nobody knows whether."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self._text = (Path(__file__).parent / name).read_bytes()
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest()

    async def run(self, command: tuple[Argument, ...]) -> Any:
        """The script's answer; `command` is the number of keys, the keys, the arguments."""
        try:
            return await self._wire.send("EVALSHA", self._digest, *command)
        except StoreReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise StoreAwayError from None
        try:
            return await self._wire.send("EVAL", self._text, *command)
        except StoreReplyError:
            # Read-only, out of memory, loading: no place to write in.
            raise StoreAwayError from None
