"""A server that stops in the middle of a model call, is taken for dead, and wakes up when another went on in its place.

Rule: it is stopped by SIGSTOP, as a suspended machine is, so it knows nothing of it and tries to write (law 6).
"""

from __future__ import annotations

import asyncio
import time

from tests.kill.lap import Lap
from tests.kill.oracle import Seen, must
from tests.kill.person import Person


class ZombieLap(Lap):
    """The scenario over two servers, of which one sleeps through its own replacement."""

    async def _play(self, person: Person) -> Seen:
        waking = asyncio.ensure_future(self._replace(person))
        try:
            return await super()._play(person)
        finally:
            if waking.done():
                waking.result()  # what was seen there comes first
            waking.cancel()

    async def _replace(self, person: Person) -> None:
        while not any(frame["type"] == "chat.delta" for frame in person.client.frames):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        zombie = self.stage.server
        zombie.pause()
        self.hits.append("mid_delta")
        self.oracle.after_kill("mid_delta")
        self.stage.server = zombie.twin()
        try:
            self.oracle.check_goes_on(self.stage.start())
            self.oracle.settle()
            before = self.oracle.state()
        finally:
            zombie.wake()
        try:
            self._see_it_try(before)
        finally:
            zombie.kill()

    async def _after_loss(self, person: Person) -> None:
        """The other server runs already."""

    def _see_it_try(self, before: str) -> None:
        """Its model call ended long ago on the other side; it reads the answer and tries to commit it."""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.oracle.state()
            must("a server that was replaced writes nothing", now == before, (before, now))
