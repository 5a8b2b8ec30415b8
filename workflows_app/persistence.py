"""AG2PersistenceManager: what the runtime stores of a turn, over the ORM, on writer threads (A29).

The calls of the prior system keep their names and signatures: ``update_last_artifact`` here, the session calls in
``session_manager``.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from artifacts.services import set_last_artifact
from mozaiks import faults
from mozaiks.db import txn
from mozaiks.gateway import deltas, executor
from mozaiks.llm import ModelEntry
from mozaiks.protocol.errors import NotFound
from mozaiks.runtime.ports import Approval, OpenedCall, Step
from sessions_app import store
from sessions_app.models import ChatSession

from . import steps
from .steps import Execution, NextTurn


class TurnStore:
    """The runtime's ``EventStore`` for one execution of one turn; every write carries the fence."""

    def __init__(self, execution: Execution, following: NextTurn) -> None:
        self._execution, self._following, self._turn = execution, following, following.turn

    async def load(self) -> list[dict[str, Any]]:
        return await executor.read(steps.load_stream, self._turn)

    async def open_call(self, *, message_id: UUID, entry: ModelEntry) -> OpenedCall:
        return await executor.write(steps.open_call, self._execution, self._turn, message_id, entry)

    async def fail_call(self, call_id: UUID, *, status: Literal["failed", "aborted"], error: str) -> None:
        await executor.write(steps.fail_call, self._execution, call_id, status, error)

    async def commit(self, step: Step) -> None:
        await executor.write(steps.commit, self._execution, self._following, step)

    async def append(self, events: list[dict[str, Any]]) -> None:
        await executor.write(steps.append, self._execution, self._turn, events)

    async def approval(self, *, tool_call_id: str, tool_name: str, arguments: Any) -> Approval | None:
        return await executor.read(steps.find_approval, self._turn, tool_call_id, arguments)

    async def begin_tool(self, *, tool_call_id: str, tool_name: str, idempotent: bool) -> Literal["go", "unknown"]:
        if idempotent:
            # A safe point: a pause asked for during the model call stops here, before the tool's effect.
            await executor.write(steps.safe_point, self._execution)
            return "go"
        new = await executor.write(steps.begin_tool, self._execution, self._turn, tool_call_id)
        return "go" if new else "unknown"


class ChatDeltas:
    """Where a turn's streamed text goes: to the chat's followers."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._begun: tuple[UUID, int] | None = None

    def push(self, *, message_id: UUID, agent: str, attempt: int, text: str) -> None:
        execution = self._execution
        if self._begun != (message_id, attempt):
            self._begun = (message_id, attempt)
            faults.point("before_first_delta")
        deltas.push(
            app_id=execution.app_id,
            user_id=execution.user_id,
            chat_id=execution.chat_id,
            message_id=message_id,
            agent=agent,
            attempt=attempt,
            text=text,
        )
        faults.point("mid_delta")


class AG2PersistenceManager:
    """The prior system's persistence contract (B10, seed 002 Fix 3)."""

    async def update_last_artifact(self, *, chat_id: str, app_id: str, artifact: dict[str, Any]) -> None:
        """Persist the newest artifact event of a chat, overwriting the one before (B11).

        Raises:
            NotFound: no such chat in this app.
        """

        def update() -> None:
            with txn():
                chat = _chat(chat_id, app_id)
                set_last_artifact(chat=store.lock_chat(chat.pk), artifact=artifact)

        await executor.write(update)


persistence_manager = AG2PersistenceManager()


def _chat(chat_id: str, app_id: str) -> ChatSession:
    try:
        found = ChatSession.objects.filter(pk=UUID(str(chat_id)), app__slug=app_id, deleted_at=None).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("No such chat.")
    return found
