"""The scenario: a workflow asks and shows its artifact, a second is open beside it, Ask answers in between, and whoever
goes back finds artifact and history as they were.

Rule: the same script for every server, killed or not; it waits for what the protocol promises and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.kill.oracle import must
from tests.kill.person import Person


@dataclass(frozen=True)
class Chats:
    """The chats of one scenario."""

    outing: str
    costs: str
    general: str

    def all(self) -> tuple[str, str, str]:
        return self.outing, self.costs, self.general


async def play(person: Person) -> Chats:
    """Play it to its end."""
    outing = (await person.do("chat.start_workflow", workflow_name="Outing", message="An outing to the lake"))[
        "chat_id"
    ]
    form = await person.event(outing, "chat.input_request", 1)
    await person.answer(form, {"people": 4, "diet": "no nuts"})
    reservation = await person.event(outing, "chat.input_request", 2)
    sketch = await person.event(outing, "chat.artifact")
    assert sketch["data"]["artifact_type"] == "Sketch"

    costs = (await person.do("chat.start_workflow", workflow_name="Costs", message="What does it cost?"))["chat_id"]
    estimate = await person.event(costs, "chat.artifact")
    await person.event(costs, "chat.run_complete")

    await go_back(person, outing, sketch)
    await person.answer(reservation, {"approved": True})
    approval = await person.event(outing, "chat.input_request", 3)
    plan = await person.event(outing, "chat.artifact", 2)
    assert plan["data"]["artifact_type"] == "Plan"

    general = (await person.do("chat.enter_general_mode"))["general_chat_id"]
    await person.do("user.input.submit", text="What waits for me?")
    await person.event(general, "chat.run_complete")

    await go_back(person, costs, estimate)
    await person.do("user.input.submit", text="And for ten people?", chat_id=costs)
    await person.event(costs, "chat.run_complete", 2)
    assert (await person.event(costs, "chat.artifact", 2))["data"]["version"] == 2

    await go_back(person, outing, plan)
    await person.answer(approval, {"approved": True})
    await person.event(outing, "chat.status")
    await person.event(outing, "chat.run_complete")
    return Chats(outing, costs, general)


async def go_back(person: Person, chat_id: str, artifact: dict[str, Any]) -> None:
    """Switch to the chat: its history and its newest artifact are what the person saw before."""
    before = list(person.log(chat_id).events)
    shown = len(person.frames("chat_meta", chat_id))
    losses = person.losses
    switched = await person.do("chat.switch_workflow", chat_id=chat_id, cursor={"seq": 0})
    expected = artifact["data"]
    must("the artifact is as it was", switched["artifact_id"] == expected["artifact_id"], (switched, expected))
    meta = await person.until(
        lambda: person.frames("chat_meta", chat_id)[shown if person.losses == losses else 0 :], "the chat's meta"
    )
    must(
        "the artifact is as it was",
        (meta[-1]["artifact_instance_id"], meta[-1]["artifact_version"], meta[-1]["artifact_state"])
        == (expected["artifact_id"], expected["version"], expected["state"]),
        (meta[-1], expected),
    )
    await person.until(lambda: len(person.log(chat_id).events) >= len(before), "the history")
    history = person.log(chat_id).events
    must(
        "the history is as it was",
        [one["event_id"] for one in history[: len(before)]] == [one["event_id"] for one in before],
        (before, history),
    )
