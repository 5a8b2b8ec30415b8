"""The engine inside the server's event loop: one process, SQLite or PostgreSQL.

On start, and after a database outage, every unfinished run goes on by itself, with no client connected.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from mozaiks.gateway import doorbell, executor
from workflows_app import engine

log = logging.getLogger("mozaiks.engine")

SCAN_EVERY = 1.0
"""Seconds between two looks for runs that nobody woke us for."""
MAX_AT_ONCE = 200


class EmbeddedEngine:
    """Tasks of the running loop, one per executing run."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._again: set[UUID] = set()
        self._own: list[asyncio.Task[Any]] = []
        self._draining = False

    def start(self) -> None:
        """Begin to scan and to carry runs out; runs of a process that died are found by the first scan."""
        from workflows_app import library, maintenance

        doorbell.bind()
        engine.use(self)
        self._own.append(self._loop.create_task(executor.read(library.all_definitions)))
        self._own.append(self._loop.create_task(self._scan()))
        for seconds, job in maintenance.JOBS:
            self.every(seconds, job)

    async def stop(self, *, grace: float = 5.0) -> None:
        """Take no more runs, let steps end for ``grace`` seconds, then cut off: the next start goes on from there."""
        self._draining = True
        engine.use(None)
        for task in self._own:
            task.cancel()
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._own, return_exceptions=True)

    def every(self, seconds: float, job: Callable[[], object]) -> None:
        """Run the sync ``job`` on a writer thread every ``seconds``."""
        self._own.append(self._loop.create_task(self._repeat(seconds, job)))

    def wake(self, run_id: UUID) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spawn, run_id)

    def interrupt(self, run_id: UUID) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel, run_id)

    def _cancel(self, run_id: UUID) -> None:
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()

    def _spawn(self, run_id: UUID) -> None:
        if self._draining:
            return
        if run_id in self._tasks:
            self._again.add(run_id)  # woken while its execution is just ending
            return
        if len(self._tasks) >= MAX_AT_ONCE:
            return
        task = self._tasks[run_id] = self._loop.create_task(self._execute(run_id))
        task.add_done_callback(lambda _: self._ended(run_id))

    def _ended(self, run_id: UUID) -> None:
        self._tasks.pop(run_id, None)
        if run_id in self._again:
            self._again.discard(run_id)
            self._spawn(run_id)

    async def _execute(self, run_id: UUID) -> None:
        from workflows_app import runner

        try:
            await runner.execute_run(run_id)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The run stays queued or running; the scan takes it up again.
            log.warning("execution of run %s ended: %s", run_id, error, exc_info=error)
            await asyncio.sleep(SCAN_EVERY)

    async def _scan(self) -> None:
        from workflows_app import runner

        while True:
            try:
                for run_id in await executor.read(runner.list_executable, MAX_AT_ONCE):
                    if run_id not in self._tasks:
                        self._spawn(run_id)
            except Exception as error:  # noqa: BLE001  (the engine outlives what it carries out)
                log.warning("scan failed, trying again: %s", error)
            await asyncio.sleep(SCAN_EVERY)

    async def _repeat(self, seconds: float, job: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await executor.write(job)
            except Exception as error:  # noqa: BLE001  (the engine outlives what it carries out)
                log.warning("%s failed: %s", getattr(job, "__name__", "job"), error)
