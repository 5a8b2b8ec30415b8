"""The oracle has teeth: each planted mistake is caught, and by the promise that it breaks."""

from __future__ import annotations

import pytest

from tests.kill import mutants
from tests.kill.lap import Fault, Lap
from tests.kill.oracle import Broken, Seen
from tests.kill.stage import Stage
from tests.kill.zombie import ZombieLap

CAUGHT: dict[str, tuple[Fault | None, str]] = {
    "result_before_commit": (("committed_before_result", 1), "an acknowledged command is in effect"),
    "ledger_in_its_own_transaction": (
        ("last_delta_before_commit", 2),
        "a call in flight at a kill is listed as unknown",
    ),
    "events_outside_the_step": (("last_delta_before_commit", 2), "the content equals an unkilled run's"),
    "no_row_before_the_call": (("mid_delta", 5), "every model call has its ledger row"),
    "nobody_looks_for_dead_runs": (("queued_before_model_call", 2), "a run goes on by itself within 5 s"),
    "tools_have_new_keys": (("tool_after_effect", 3), "a killed tool call runs again under the same key"),
    "no_fence": (None, "a server that was replaced writes nothing"),
}


@pytest.mark.requirement("law 1", "law 4", "law 7", "law 9")
@pytest.mark.parametrize("mutant", CAUGHT)
def test_a_planted_mistake_is_caught_by_the_promise_it_breaks(house: Stage, unkilled: Seen, mutant: str) -> None:
    fault, promise = CAUGHT[mutant]
    house.server.kill()
    house.database.end_all_runs()
    house.extra = {"KILL_MUTANT": mutant}
    house.start()
    lap = Lap(house, [fault], reference=unkilled) if fault else ZombieLap(house, reference=unkilled)
    with pytest.raises(Broken) as caught:
        lap.run()
    assert caught.value.promise == promise


def test_every_mutant_is_tried() -> None:
    assert set(CAUGHT) == set(mutants.MUTANTS)


@pytest.mark.requirement("law 6")
def test_a_server_that_was_taken_for_dead_writes_nothing_when_it_wakes_up(stage: Stage, unkilled: Seen) -> None:
    ZombieLap(stage, reference=unkilled).run()
