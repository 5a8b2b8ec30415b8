"""A tool that must not run twice: killed in the middle of it, a person says whether it runs again (law 7)."""

from __future__ import annotations

import pytest

from tests.kill.lap import Lap
from tests.kill.person import Person
from tests.kill.scenario import Chats
from tests.kill.stage import Stage


@pytest.mark.requirement("law 7", "law 8")
@pytest.mark.parametrize("again", [True, False])
def test_a_tool_with_an_unknown_outcome_asks_before_it_runs_again(stage: Stage, again: bool) -> None:
    before = len(stage.effects())

    async def post_a_letter(person: Person) -> Chats:
        chat = (await person.do("chat.start_workflow", workflow_name="Stamps", message="Write to Ada"))["chat_id"]
        request = await person.event(chat, "chat.input_request")
        assert request["data"]["kind"] == "approval"
        assert "may have taken effect" in request["data"]["prompt"]
        assert len(stage.effects()) == before + 1, "it ran again before anybody was asked"
        await person.answer(request, {"approved": again})
        response = await person.event(chat, "chat.tool_response")
        assert response["data"]["status"] == ("ok" if again else "not_completed")
        await person.event(chat, "chat.run_complete")
        return Chats(chat, chat, chat)

    Lap(stage, [("tool_after_effect", 1)], script=post_a_letter).run()
    effects = stage.effects()[before:]
    assert len(effects) == (2 if again else 1)
    assert len({key for key, _, _ in effects}) == 1, "the second time under the same key"
