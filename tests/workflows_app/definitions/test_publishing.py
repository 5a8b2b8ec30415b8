"""What a tool publishes is staged on its call, and stays out of reach elsewhere."""

import asyncio
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from mozaiks.authoring import publish_artifact, tool_key
from mozaiks.runtime.staging import CURRENT_TOOL, Staging


class Plan(BaseModel):
    title: str


@pytest.mark.requirement("law 7")
def test_a_tool_stages_what_it_publishes_also_from_a_thread():
    chat = uuid4()
    staging = Staging("call-1", (chat, 3, "call-1"))

    async def a_turn() -> tuple[UUID, int, str]:
        CURRENT_TOOL.set(staging)
        publish_artifact("Plan", {"title": "one"}, title="First")
        await asyncio.to_thread(publish_artifact, "Plan", Plan(title="two"), artifact_id=chat)
        return tool_key()

    assert asyncio.run(a_turn()) == (chat, 3, "call-1")
    one, two = staging.artifacts
    assert (one.artifact_type, one.state, one.title, one.artifact_id) == ("Plan", {"title": "one"}, "First", None)
    assert (two.state, two.artifact_id) == ({"title": "two"}, str(chat))


def test_outside_a_tool_nothing_can_be_published():
    with pytest.raises(RuntimeError, match="only inside a tool"):
        publish_artifact("Plan", {})
    with pytest.raises(RuntimeError, match="only inside a tool"):
        tool_key()
