"""kill -9 at each fault point, three times each: nothing is lost, nothing counts twice, all goes on by itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mozaiks import faults
from tests.kill.lap import Fault, Lap
from tests.kill.oracle import Seen
from tests.kill.stage import Stage

# At which passing the server dies: early, in the middle, late. Where one point stands in several places, each is meant.
PASSINGS = {
    "committed_before_result": (1, 5, 9),  # a start, an answer to a tool's approval, a message
    "queued_before_model_call": (1, 4, 7),
    "before_first_delta": (1, 2, 8),  # the row is open and nothing was sent; the first token came; later
    "mid_delta": (3, 25, 60),
    "last_delta_before_commit": (1, 4, 6),  # with tool calls, of a structured answer, ...
    "commit_before_doorbell": (2, 7, 20),
    "tool_after_effect": (1, 3, 4),  # one of two side by side, one that published, one that was approved
    "inside_publish_artifact": (1, 2, 3),  # a tool's, another workflow's, a structured answer's
    "waiting": (1, 2, 3),  # a form, a tool's approval, an approval
    "answered_before_wake": (1, 2, 3),
    "ask_streaming": (1, 6, 30),
}
KILLS: list[Fault] = [(point, count) for point, counts in PASSINGS.items() for count in counts]
hits: Counter[str] = Counter()


@pytest.mark.requirement("law 1", "law 4", "law 7", "law 9", "A23", "A29", "A47")
@pytest.mark.parametrize(
    ("number", "fault"),
    list(enumerate(KILLS)),
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_after_a_kill_everything_goes_on_and_nothing_counts_twice(
    stage: Stage, unkilled: Seen, number: int, fault: Fault
) -> None:
    # In every second lap the person is back while the run still goes on.
    lap = Lap(stage, [fault], alone=number % 2 == 0, reference=unkilled)
    lap.run()
    hits.update(lap.hits)


@pytest.mark.requirement("law 7")
def test_every_fault_point_was_hit_three_times(request: pytest.FixtureRequest) -> None:
    if sum(item.path == Path(__file__) for item in request.session.items) < len(KILLS):
        pytest.skip("only some of the kills were chosen")
    assert set(PASSINGS) == set(faults.POINTS)
    assert hits == dict.fromkeys(faults.POINTS, 3)
