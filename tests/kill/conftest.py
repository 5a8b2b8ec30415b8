"""One stage for all kill tests: a database, a model server, and a server that is killed again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kill.lap import Lap
from tests.kill.oracle import Seen
from tests.kill.stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Both servers, running."""
    made = Stage(tmp_path_factory.mktemp("kill"))
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def unkilled(stage: Stage) -> Seen:
    """What the scenario brings when nobody kills the server."""
    return Lap(stage).run()
