"""A few threads in which Django's ORM is used for the event loop; must never run on a path that a warm call takes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")
THREADS: Final = 3


class DatabaseThreads:
    """Each thread keeps its own database connection between jobs."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway-orm")

    async def run(self, job: Callable[..., T], *arguments: object) -> T:
        """The job's result; its exceptions come through."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run_clean, job, arguments)

    async def close(self) -> None:
        """Wait for the jobs, close the connections, end the threads."""
        barrier = Barrier(THREADS)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._executor, _leave, barrier) for _ in range(THREADS)))
        self._executor.shutdown()


def _run_clean(job: Callable[..., T], arguments: tuple[object, ...]) -> T:
    close_old_connections()
    try:
        return job(*arguments)
    finally:
        close_old_connections()


def _leave(barrier: Barrier) -> None:
    # Every thread waits for the others here, so that each takes one of these jobs.
    barrier.wait(timeout=10)
    connections.close_all()
