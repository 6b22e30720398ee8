"""Compiled policies that several grants of one server share; a bounded memory, not a source of truth."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar
from uuid import UUID

T = TypeVar("T")
Key = tuple[UUID, int, UUID | None, int | None]
MAX_ENTRIES: Final = 512


class SharedPolicies(Generic[T]):
    """Keyed by server, organisation's epoch, policy and version: a change of any of them is another key."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], T]) -> T:
        """The entry, made when it is not there; two threads may make the same one, and the last stays."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None:
            return entry
        entry = make()
        with self._lock:
            self._entries[key] = entry
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
        return entry
