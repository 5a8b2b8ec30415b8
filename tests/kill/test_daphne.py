"""The scenario on daphne, which has no lifespan: the engine starts with the first scope (DESIGN, the engine)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.lap import Lap
from tests.kill.oracle import Seen
from tests.kill.stage import Stage


@pytest.mark.requirement("law 1", "law 5", "law 7")
def test_the_scenario_passes_on_daphne_unkilled_and_killed(tmp_path: Path, unkilled: Seen) -> None:
    stage = Stage(tmp_path, server="daphne", people=2)
    try:
        stage.start()
        Lap(stage, reference=unkilled).run()
        Lap(
            stage,
            [("committed_before_result", 1), ("tool_after_effect", 3), ("ask_streaming", 5)],
            reference=unkilled,
        ).run()
    finally:
        stage.close()
