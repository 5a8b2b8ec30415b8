"""AG2's model protocol over ``mozaiks.llm``: one ledger row per try, text to the fan-out, the whole answer to AG2.

Rule: no token passes AG2's event stream (150 to 200 µs each); AG2 sees one response per call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Literal
from uuid import UUID, uuid4

from ag2.config.config import ModelProvider
from ag2.config.openai.mappers import convert_messages, response_proto_to_schema, tool_to_api
from ag2.context import ConversationContext
from ag2.events import BaseEvent, ModelMessage, ModelResponse, ToolCallEvent, ToolCallsEvent, Usage
from ag2.exceptions import UnsupportedInputError, UnsupportedToolError
from ag2.response import ResponseProto
from ag2.tools.schemas import ToolSchema
from ag2.utils import AGENT_CONTEXT_DEPENDENCY_KEY
from fast_depends.library.serializer import SerializerProto

from mozaiks.llm.client import ChatAnswer, ChatRequest, ToolCall, stream_chat
from mozaiks.llm.entries import ModelEntry
from mozaiks.llm.errors import ModelCallError
from mozaiks.llm.offline import OfflineCall
from mozaiks.runtime.live import CURRENT_TURN, LiveTurn
from mozaiks.runtime.plain import clean_text
from mozaiks.runtime.ports import ClosedCall, OpenedCall, Step, TurnFailed
from mozaiks.runtime.staging import CURRENT_TOOL
from mozaiks.runtime.view import model_view

LONGEST_CALL_ID = 64


class BridgeConfig:
    """The model configuration of every agent in a turn; it has no state, the turn is in a context variable."""

    provider = ModelProvider.OPENAI
    model = "mozaiks"

    def copy(self) -> BridgeConfig:
        return self

    def create(self) -> BridgeClient:
        return BridgeClient()

    def create_files_client(self) -> Any:
        raise NotImplementedError("Agents here do not use a provider's file store.")


class BridgeClient:
    """AG2's one-method client."""

    async def __call__(
        self,
        messages: Sequence[BaseEvent],
        context: ConversationContext,
        *,
        tools: Iterable[ToolSchema],
        response_schema: ResponseProto[Any] | None,
        serializer: SerializerProto,
    ) -> ModelResponse:
        live = CURRENT_TURN.get()
        if live is None:
            raise TurnFailed("An agent was asked outside a turn of a workflow.")
        live.check()
        _count(live)
        own = context.stream.id == live.stream_id
        prompt = chain(context.prompt, [response_schema.system_prompt or ""] if response_schema else [])
        agent = live.spec.agent if own else getattr(context.dependencies.get(AGENT_CONTEXT_DEPENDENCY_KEY), "name", "")
        try:
            request = ChatRequest(
                messages=_messages([text for text in prompt if text], messages, serializer),
                tools=[dict(tool_to_api(tool)) for tool in tools],
                response_format=_plain_dict(response_proto_to_schema(response_schema)),
                entry=live.spec.entry,
                offline=OfflineCall(agent=agent, respond=live.respond if own else None, facts=live.spec.facts),
            )
        except (UnsupportedInputError, UnsupportedToolError) as error:
            raise TurnFailed(f"The agent {agent!r} uses what a chat model cannot take: {error}.") from error
        call = _Call(live, agent, live.message_id() if own else _child_message_id(live), shown=own)
        answer = await call.answered(request)
        closed = ClosedCall(call.opened_id, answer.usage, answer.model, answer.finish_reason)
        if own:
            live.closing.append(closed)
        else:  # a child's events are not stored; its tokens are
            await live.guard(live.store.commit, Step(kind="response", call=closed))
        return _response(answer, _known_ids(live) if own else set())


def _count(live: LiveTurn) -> None:
    live.model_calls += 1
    if live.model_calls > live.spec.max_model_calls:
        most = live.spec.max_model_calls
        live.fail(TurnFailed(f"The agent {live.spec.agent!r} asked the model more than {most} times in one turn."))
        live.check()


def _child_message_id(live: LiveTurn) -> UUID:
    """A child's messages are not shown; the id only tells its calls apart in the ledger."""
    live.child_calls += 1
    tool = CURRENT_TOOL.get()
    return live.spec.message_id(f"{tool.tool_call_id if tool else 'child'}:{live.child_calls}")


class _Call:
    """One question to the model list: opens and fails the ledger rows of its tries."""

    def __init__(self, live: LiveTurn, agent: str, message_id: UUID, *, shown: bool) -> None:
        self.live = live
        self.agent = agent
        self.message_id = message_id
        self.shown = shown
        self.opened: OpenedCall | None = None

    async def answered(self, request: ChatRequest) -> ChatAnswer:
        return await stream_chat(request, models=self.live.models, on_delta=self._push, observer=self)

    @property
    def opened_id(self) -> UUID:
        assert self.opened is not None, "the model client answered without opening a call"
        return self.opened.call_id

    async def opening(self, entry: ModelEntry) -> None:
        self.opened = await self.live.guard(self.live.store.open_call, message_id=self.message_id, entry=entry)

    async def failed(self, entry: ModelEntry, error: ModelCallError) -> None:
        failed: Literal["failed"] = "failed"
        await self.live.guard(self.live.store.fail_call, self.opened_id, status=failed, error=error.message)

    def _push(self, text: str) -> None:
        if self.shown and self.opened is not None:
            attempt = self.opened.attempt
            self.live.deltas.push(message_id=self.message_id, agent=self.agent, attempt=attempt, text=text)


# ------------------------------------------------------------------------------------------------- mapping


def _messages(prompt: list[str], events: Sequence[BaseEvent], serializer: SerializerProto) -> list[dict[str, Any]]:
    messages = [dict(message) for message in convert_messages(prompt, model_view(events), serializer)]
    return messages if prompt else messages[1:]  # AG2 sends an empty system message for an agent without a prompt


def _plain_dict(value: Any) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _response(answer: ChatAnswer, known: set[str]) -> ModelResponse:
    usage = answer.usage
    counted = Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens) if usage else Usage()
    return ModelResponse(
        ModelMessage(clean_text(answer.text)) if answer.text else None,
        tool_calls=ToolCallsEvent([_call_event(call, known) for call in answer.tool_calls]),
        usage=counted,
        model=answer.model,
        provider="openai",
        finish_reason=answer.finish_reason,
        response_id=answer.response_id,
    )


def _call_event(call: ToolCall, known: set[str]) -> ToolCallEvent:
    """The call under an id of its own: some servers send none, or the same ones in every answer."""
    name = clean_text(call.id)[:LONGEST_CALL_ID]
    if not name or name in known:
        name = f"call_{uuid4().hex}"
    known.add(name)
    return ToolCallEvent(id=name, name=clean_text(call.name), arguments=clean_text(call.arguments))


def _known_ids(live: LiveTurn) -> set[str]:
    return {call.id for event in live.events if isinstance(event, ModelResponse) for call in event.tool_calls.calls}
