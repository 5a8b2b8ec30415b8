"""One lap: a person plays the scenario on a stage while faults kill the server, and the oracle judges it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from mozaiks import faults
from tests.kill.oracle import Oracle, Seen, must
from tests.kill.person import Person
from tests.kill.scenario import Chats, play
from tests.kill.stage import Stage

Fault = tuple[str, int]
"""A point of ``mozaiks.faults`` and at which passing of it the server dies."""


@dataclass
class Lap:
    """What a lap brought."""

    stage: Stage
    faults: Sequence[Fault] = ()
    alone: bool = True
    """After a restart nobody connects until every run waits or has ended; else the person is back at once."""
    reference: Seen | None = None
    script: Callable[[Person], Awaitable[Chats]] = play
    oracle: Oracle = field(init=False)
    hits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = list(self.faults)
        self._armed: str | None = None

    def run(self) -> Seen:
        """Play it, judge it, and say what was seen."""
        return asyncio.run(self._run())

    async def _run(self) -> Seen:
        name, token = self.stage.someone()
        self.oracle = Oracle(self.stage, name)
        person = Person(self.stage, name, token, self._after_loss)
        await person.connect()
        self._arm_next()
        try:
            return await self._play(person)
        except BaseException as error:
            error.add_note(self._evidence(person))
            raise
        finally:
            await person.close()

    async def _play(self, person: Person) -> Seen:
        return await self._judge(person, await self.script(person))

    def _evidence(self, person: Person) -> str:
        """What a reader of a failure wants to know first."""
        frames = [
            {name: one.get(name) for name in ("type", "re", "seq", "chat_id", "ok")} for one in person.client.frames
        ]
        return (
            f"faults {self.faults}, met {self.hits}, armed {self._armed}, losses {person.losses}\n"
            f"told {list(person.told.values())[-2:]}\nlast frames {frames[-8:]}\n"
            f"stored {self.oracle.state()}\nserver: {self.stage.server.log()[-1500:]}"
        )

    def _arm_next(self) -> None:
        if self._left:
            point, count = self._left.pop(0)
            assert point in faults.POINTS, point
            self._armed = point
            self.stage.server.arm(point, count)

    async def _after_loss(self, person: Person) -> None:
        """The server died of the fault: judge what it left, start it again, and see it go on with nobody there."""
        code = self.stage.server.wait_dead(10)
        assert self._armed is not None, "the server ended and no fault was armed"
        assert code == -9, (code, self.stage.server.log()[-3000:])
        self.hits.append(self._armed)
        self.oracle.after_kill(self._armed)
        self._armed = None
        ready = self.stage.start()
        self.oracle.check_goes_on(ready)
        if self.alone:
            self.oracle.settle()
        self._arm_next()

    async def _judge(self, person: Person, chats: Chats) -> Seen:
        oracle = self.oracle
        await self._wait_for_the_last_kill(person)
        oracle.settle()
        await person.client.drain(0.1)
        must("every fault was met", [name for name, _ in self.faults] == self.hits or not self.faults, self.hits)
        oracle.check_logs()
        oracle.check_client(person.client.chats)
        oracle.check_commands(person.sent)
        oracle.check_tools(self.reference)
        oracle.check_ledger()
        seen = oracle.seen(chats.all())
        if self.reference is not None:
            oracle.check_equal(seen, self.reference)
            oracle.check_repeats(self.reference)
        oracle.check_usage(person.token)
        return seen

    async def _wait_for_the_last_kill(self, person: Person) -> None:
        """A fault may be met just after the person saw the end."""
        if self._armed is not None:
            await person.until(lambda: self._armed is None, f"the kill at {self._armed}")
