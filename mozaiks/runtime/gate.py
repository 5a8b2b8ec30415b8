"""What stands between the model's tool call and the tool: its key, approval, unknown outcomes, questions to people.

Rule: nothing here runs a tool whose approval is missing, or again one that may have had its effect (law 7); a call that
waits for a person lets its siblings finish and be stored first.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from ag2 import Context
from ag2.events import (
    BaseEvent,
    ClientToolCallEvent,
    HumanInputRequest,
    ToolApprovalRequest,
    ToolCallEvent,
    ToolErrorEvent,
    ToolResult,
    ToolResultEvent,
)
from ag2.exceptions import HumanInputError
from ag2.middleware import BaseMiddleware, ToolExecution, ToolResultType

from mozaiks.runtime.live import LiveTurn
from mozaiks.runtime.plain import clean_text, plain
from mozaiks.runtime.ports import Approval, ParkedRequest, ParkKind
from mozaiks.runtime.staging import CURRENT_TOOL, Staging
from mozaiks.runtime.storage import ParkedResult, Refused
from mozaiks.runtime.view import parsed


class QuestionOpen(HumanInputError):
    """Raised into a tool that asked a person who has not answered yet; the tool runs again with the answer."""


class ToolGate(BaseMiddleware):
    """The innermost middleware of a turn, for the agent's own tools."""

    def __init__(self, event: BaseEvent, context: Context, live: LiveTurn) -> None:
        super().__init__(event, context)
        self.live = live
        for key, value in context.variables.items():  # what the agent declares, where nothing is stored yet
            live.variables.setdefault(key, value)
        context.variables = live.variables

    async def on_tool_execution(
        self, call_next: ToolExecution, event: ToolCallEvent, context: Context
    ) -> ToolResultType:
        live, call = self.live, event
        staging = Staging(call.id, (live.spec.chat_id, live.spec.number, call.id), tool_name=call.name)
        live.stagings[call.id] = staging
        live.questions[call.id] = 0
        CURRENT_TOOL.set(staging)  # each call of a batch runs in a task, so a context, of its own
        if (instead := await self._not_approved(call)) or (instead := await self._not_begun(call)):
            return instead
        try:
            result = await call_next(event, context)
        except HumanInputError as error:
            if any(request.tool_call_id.startswith(f"{call.id}/ask") for request in live.parked):
                return _parked(call)
            return _failed(call, error)
        return await self._answered_by_person(call) if isinstance(result, ClientToolCallEvent) else result

    async def _not_approved(self, call: ToolCallEvent) -> ToolResultEvent | None:
        """The result instead of running a call that needs an approval it does not have."""
        if call.name not in self.live.spec.approve:
            return None
        verdict = await self._verdict(call, call.id)
        if verdict is None:
            return self._park(call, call.id, "approval", f"May the agent call {call.name}{_named(call)}?")
        if verdict.approved:
            return None
        return _failed(call, Refused(_with_comment("The user did not approve this call.", verdict.comment)))

    async def _not_begun(self, call: ToolCallEvent) -> ToolResultEvent | None:
        """The result instead of running a call that may have had its effect before a crash.

        Each "run it again" is asked for under a key of its own, so that a second crash asks a second time.
        """
        live, key = self.live, call.id
        idempotent = call.name not in live.spec.non_idempotent
        for times in itertools.count(1):
            state = await live.guard(
                live.store.begin_tool, tool_call_id=key, tool_name=call.name, idempotent=idempotent
            )
            if state == "go" or idempotent:
                return None
            key = f"{call.id}/again{times}"
            verdict = await self._verdict(call, key)
            if verdict is None:
                question = f"{call.name} was interrupted and may have taken effect. Run it again?"
                return self._park(call, key, "unknown_outcome", question)
            if not verdict.approved:
                live.outcomes[call.id] = "not_completed"
                said = f"{call.name} was interrupted; it is not known whether it took effect, and it was not run again."
                return _failed(call, Refused(_with_comment(said, verdict.comment)))
        return None

    async def _answered_by_person(self, call: ToolCallEvent) -> ToolResultEvent:
        """A tool without code (``ClientTool``) is a question to the user; the answer is its result."""
        key = f"{call.id}/ask0"
        verdict = await self._verdict(call, key)
        if verdict is None:
            return self._park(call, key, "question", _question(call))
        return ToolResultEvent(parent_id=call.id, name=call.name, result=ToolResult(_reply(verdict)))

    async def _verdict(self, call: ToolCallEvent, key: str) -> Approval | None:
        live = self.live
        arguments = plain(parsed(call.arguments))
        return await live.guard(live.store.approval, tool_call_id=key, tool_name=call.name, arguments=arguments)

    def _park(self, call: ToolCallEvent, key: str, kind: ParkKind, prompt: str) -> ParkedResult:
        self.live.park(ParkedRequest(key, call.name, plain(parsed(call.arguments)), kind, prompt))
        return _parked(call)


class AskPerson:
    """AG2's hook for ``ctx.input()``: the answer from the store, or the turn parks.

    The key is the tool's call and the ordinal of the question in it, so code before a question must bear to run twice.
    """

    def __init__(self, live: LiveTurn) -> None:
        self.live = live

    async def __call__(self, event: HumanInputRequest) -> str:
        live, tool = self.live, CURRENT_TOOL.get()
        call_id = tool.tool_call_id if tool else f"turn{live.spec.number}"
        ordinal = live.questions.get(call_id, 0)
        live.questions[call_id] = ordinal + 1
        key = f"{call_id}/ask{ordinal}"
        prompt = clean_text(str(event.content))
        asked: dict[str, Any] = {
            "tool_call_id": key,
            "tool_name": tool.tool_name if tool else "",
            "arguments": {"prompt": prompt},
        }
        verdict = await live.guard(live.store.approval, **asked)
        if verdict is None:
            kind: ParkKind = "approval" if isinstance(event, ToolApprovalRequest) else "question"
            live.park(ParkedRequest(**asked, kind=kind, prompt=prompt))
            raise QuestionOpen(prompt)
        if isinstance(event, ToolApprovalRequest):
            return "yes" if verdict.approved else "no"
        return _reply(verdict)


def _parked(call: ToolCallEvent) -> ParkedResult:
    return ParkedResult(parent_id=call.id, name=call.name, result=ToolResult(""))


def _failed(call: ToolCallEvent, error: Exception) -> ToolErrorEvent:
    return ToolErrorEvent(parent_id=call.id, name=call.name, error=error, result=ToolResult(""))


def _named(call: ToolCallEvent, most: int = 300) -> str:
    """The arguments for the question, since a person approves exactly these; cut where they are long."""
    arguments = plain(parsed(call.arguments))
    if not isinstance(arguments, dict):
        return f" ({str(arguments)[:most]})"
    told = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    return f" ({told if len(told) <= most else told[:most] + '…'})" if told else ""


def _with_comment(sentence: str, comment: str | None) -> str:
    return f"{sentence} They said: {clean_text(comment)}" if comment else sentence


def _reply(verdict: Approval) -> str:
    if verdict.comment:
        return clean_text(verdict.comment)
    return "yes" if verdict.approved else "no"


def _question(call: ToolCallEvent) -> str:
    """The question in the arguments of a tool without code: the one text there, or the tool's name."""
    arguments: Any = parsed(call.arguments)
    texts = [value for value in arguments.values() if isinstance(value, str)] if isinstance(arguments, dict) else []
    return clean_text(texts[0]) if texts else f"{call.name}?"
