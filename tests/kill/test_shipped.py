"""The scenario with the workflows that ship: Generator asks, plans and waits, MozaiksCapital is open beside it."""

from __future__ import annotations

import pytest

from tests.kill.lap import Fault, Lap
from tests.kill.oracle import Seen
from tests.kill.person import Person
from tests.kill.scenario import Chats, go_back
from tests.kill.stage import Stage

BRIEF = "Plan a summer school about honey bees for forty pupils in Ghent"
QUESTION = "How should I invest 20,000 euros over 15 years, cautiously?"


async def play_with_shipped(person: Person) -> Chats:
    """Generator, MozaiksCapital beside it, Ask in between, back to both."""
    started = await person.do("chat.start_workflow", workflow_name="Generator", message=BRIEF)
    generator = started["chat_id"]
    form = await person.event(generator, "chat.input_request", 1)
    await person.answer(form, {"audience": "pupils of twelve", "must_haves": "a hive visit"})
    approval = await person.event(generator, "chat.input_request", 2)
    plan = await person.event(generator, "chat.artifact")
    assert plan["data"]["artifact_type"] == "ActionPlan"

    started = await person.do("chat.start_workflow", workflow_name="MozaiksCapital", message=QUESTION)
    capital = started["chat_id"]
    data = await person.event(capital, "chat.artifact")
    assert data["data"]["artifact_type"] == "InvestmentData"
    await person.event(capital, "chat.run_complete")

    general = (await person.do("chat.enter_general_mode"))["general_chat_id"]
    await person.do("user.input.submit", text="What waits for me?")
    await person.event(general, "chat.run_complete")

    await go_back(person, capital, data)
    await go_back(person, generator, plan)
    await person.answer(approval, {"approved": True})
    await person.event(generator, "chat.status")
    await person.event(generator, "chat.run_complete")
    return Chats(generator, capital, general)


@pytest.fixture(scope="module")
def unkilled_shipped(house: Stage, unkilled: Seen) -> Seen:
    """What the shipped workflows bring when nobody kills the server."""
    house.make_sound()
    return Lap(house, script=play_with_shipped).run()


@pytest.mark.requirement("law 1", "law 7", "B43", "A15")
@pytest.mark.parametrize(
    "faults",
    [
        [("waiting", 1), ("inside_publish_artifact", 1), ("last_delta_before_commit", 2), ("ask_streaming", 4)],
        [("committed_before_result", 2), ("mid_delta", 20), ("commit_before_doorbell", 5)],
    ],
    ids=lambda faults: "+".join(name for name, _ in faults),
)
def test_the_shipped_workflows_survive_kills(stage: Stage, unkilled_shipped: Seen, faults: list[Fault]) -> None:
    Lap(stage, faults, reference=unkilled_shipped, script=play_with_shipped).run()
