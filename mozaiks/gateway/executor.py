"""Where the event loop sends database work: bounded threads of our own, writers and readers apart.

Channels' shared database thread would let one slow query hold up every socket (notes: reliability 0.3). SQLite has one
writer thread, since one writer beats many there; PostgreSQL has eight over its pool.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import connections

from mozaiks.protocol.errors import Unavailable

T = TypeVar("T")
MAX_WAITING = 1_000


class _Pool:
    """A bounded thread pool; more than ``MAX_WAITING`` calls waiting are refused as ``Unavailable``."""

    def __init__(self, name: str, threads: Callable[[], int]) -> None:
        self._name, self._threads = name, threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads(), thread_name_prefix=f"mozaiks-{self._name}")
        if self._waiting >= MAX_WAITING:
            raise Unavailable("The server is too busy just now; try again in a moment.")
        self._waiting += 1
        context = contextvars.copy_context()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._pool, partial(context.run, _with_connection, partial(call, *args, **kwargs))
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        if self._pool is not None:
            for _ in range(self._pool._max_workers):
                self._pool.submit(connections.close_all)
            self._pool.shutdown(wait=True)
            self._pool = None


def _is_sqlite() -> bool:
    return connections["default"].vendor == "sqlite"


_writers = _Pool("writer", lambda: 1 if _is_sqlite() else 8)
_readers = _Pool("reader", lambda: 4 if _is_sqlite() else 8)


async def write(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a service on a writer thread."""
    return await _writers.run(call, *args, **kwargs)


async def read(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a selector on a reader thread."""
    return await _readers.run(call, *args, **kwargs)


def close() -> None:
    """End the threads and close their connections; the next call makes new ones."""
    _writers.close()
    _readers.close()


def _with_connection(call: Callable[[], T]) -> T:
    connection = connections["default"]
    try:
        return call()
    finally:
        # PostgreSQL's connection goes back to the pool; SQLite's stays open, and its WAL with it, unless broken.
        if connection.vendor != "sqlite" or connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
