"""Random kill -9 for as long as you like: many people at once, kills at random times and points, the same oracle.

    python -m benchmarks.soak --minutes 30 --people 4 [--seed 7] [--server daphne]

Prints one JSON object: kills, restarts, scenarios judged, what was broken (by promise), how long a restart took until
every interrupted run went on, and the model calls that died with a process. Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mozaiks import faults
from tests.kill.oracle import Broken, Oracle, Seen
from tests.kill.person import LOST, Person
from tests.kill.scenario import play
from tests.kill.stage import Stage

LONGEST_LIFE = 6.0
"""Seconds after which a server is killed by hand where it did not meet its fault."""


class Soak:
    """One server, several people in a row at a time, and a hand that kills it again and again."""

    def __init__(self, stage: Stage, *, seed: int) -> None:
        self.stage = stage
        self.random = random.Random(seed)
        self.up = asyncio.Event()
        self.oracles: dict[str, Oracle] = {}
        self.points: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.evidence: list[str] = []
        self.restarts: list[float] = []
        self.judged = self.unknown = 0

    async def run(self, *, people: int, seconds: float) -> None:
        self.stage.start()
        self.up.set()
        end = time.monotonic() + seconds
        killer = asyncio.ensure_future(self._kill_on(end))
        await asyncio.gather(*(self._live(end) for _ in range(people)))
        await killer

    async def _live(self, end: float) -> None:
        """One person after the other plays the scenario until time is over."""
        while time.monotonic() < end and self.stage.tokens:
            name, token = self.stage.someone()
            oracle = self.oracles[name] = Oracle(self.stage, name)
            person = Person(self.stage, name, token, self._back_when_up, within=300)
            try:
                await person.connect()
                await play(person)
                await self._judge(person, oracle)
            except AssertionError as error:
                self.broken[error.promise if isinstance(error, Broken) else "the scenario plays to its end"] += 1
                self.evidence.append(f"{error}"[:600])
            finally:
                self.oracles.pop(name)
                await person.close()

    async def _judge(self, person: Person, oracle: Oracle) -> None:
        """What can be said of one person among others: the model server's record cannot be told apart by person."""
        while not self.up.is_set() or any(run["status"] in ("queued", "running") for run in oracle.runs()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        for _ in range(20):  # a kill may fall between the last event and the judgement
            await self.up.wait()
            try:
                await person.catch_up()
            except LOST:
                await person.back()
            if all(person.log(chat).seq == seq for chat, seq in oracle.heads().items()):
                break
        oracle.check_logs()
        oracle.check_client(person.client.chats)
        oracle.check_commands(person.sent)
        rows = oracle.ledger()
        seen: Seen = oracle.seen(tuple(sorted(oracle.heads())))
        if Counter(row["status"] for row in rows)["done"] != oracle.committed_answers():
            raise Broken("a token is counted once, with its step", rows)
        self.unknown += sum(row["status"] == "unknown" for row in rows)
        self.judged += bool(seen.events)

    async def _back_when_up(self, person: Person) -> None:
        await self.up.wait()
        await asyncio.sleep(0.02)

    async def _kill_on(self, end: float) -> None:
        while time.monotonic() < end:
            point, count = self.random.choice(faults.POINTS), self.random.randint(1, 8)
            self.stage.server.arm(point, count)
            killed = await self._dead_within(self.random.uniform(0.3, LONGEST_LIFE))
            self.up.clear()
            self.stage.server.kill()
            self.points[point if killed else "at any moment"] += 1
            oracles = list(self.oracles.values())
            for oracle in oracles:
                self._note(oracle.after_kill, point if killed else "at any moment")
            ready = await asyncio.to_thread(self.stage.start)
            for oracle in oracles:
                self._note(oracle.check_goes_on, ready)
            self.restarts.append(time.monotonic() - ready)
            self.up.set()

    def _note(self, check: Callable[[Any], None], seen: Any) -> None:
        try:
            check(seen)
        except Broken as error:
            self.broken[error.promise] += 1
            self.evidence.append(f"{error}"[:600])

    async def _dead_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        process = self.stage.server.process
        while time.monotonic() < end:
            if process is None or process.poll() is not None:
                return True
            await asyncio.sleep(0.01)
        return False

    def figures(self) -> dict[str, Any]:
        """What the soak saw."""
        calls = [line["event"] for line in self.stage.calls()]
        return {
            "kills": self.points.total(),
            "by_point": dict(self.points),
            "scenarios_judged": self.judged,
            "broken": dict(self.broken),
            "evidence": self.evidence[:5],
            "seconds_until_runs_went_on": {
                "median": round(statistics.median(self.restarts), 2) if self.restarts else None,
                "worst": round(max(self.restarts, default=0), 2),
            },
            "model_calls": calls.count("call"),
            "answers_given": calls.count("completion"),
            "ledger_rows_unknown": self.unknown,
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--people", type=int, default=3, help="how many play at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", choices=["serve", "daphne"], default="serve")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mozaiks-soak-") as folder:
        count = max(20, int(options.minutes * 20 * options.people))
        stage = Stage(Path(folder), server=options.server, people=count, token_delay=0.01)
        try:
            soak = Soak(stage, seed=options.seed)
            asyncio.run(soak.run(people=options.people, seconds=options.minutes * 60))
            figures = soak.figures()
        finally:
            stage.close()
    print(json.dumps({"seed": options.seed, "server": options.server, **figures}, indent=1))
    return 1 if figures["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
