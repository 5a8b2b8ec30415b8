"""One stage for all kill tests: a database, a model server, and a server that is killed again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kill.lap import Lap
from tests.kill.oracle import Seen
from tests.kill.stage import Stage


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Both servers; whether the one that is killed runs just now is not said."""
    made = Stage(tmp_path_factory.mktemp("kill"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def stage(house: Stage) -> Stage:
    """Both servers, running as they should."""
    house.make_sound()
    return house


@pytest.fixture(scope="session")
def unkilled(house: Stage) -> Seen:
    """What the scenario brings when nobody kills the server."""
    house.make_sound()
    return Lap(house).run()
