"""Going down: what was told to clients stays true until the process is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mozaiks.gateway import hub
from tests.harness.client import Client
from workflows_app import engine

Connect = Callable[..., Awaitable[Client]]


@pytest.mark.requirement("law 5", "law 6")
async def test_a_client_that_comes_back_while_the_server_drains_starts_no_second_engine(
    application: Any, connect: Connect
) -> None:
    client = await connect()
    assert engine.is_running()
    await application.stop()
    told = await client.until(lambda frame: frame["type"] == "session.drain")
    assert told["retry_ms"] > 0
    with pytest.raises(ConnectionError, match="1012"):
        await client.until(lambda frame: False)
    late = await connect(hello=False)
    with pytest.raises(ConnectionError, match="1012"):
        await late.until(lambda frame: False)
    assert not engine.is_running()
    assert hub.draining
