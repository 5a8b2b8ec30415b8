"""What a run has committed so far, for agents and route: read from the chat's own rows and nothing else (law 10)."""

from __future__ import annotations

import json
from typing import Any

from artifacts import selectors as artifacts
from mozaiks.llm import Facts
from sessions_app.models import ChatSession, LoggedEvent

from .definitions import AgentSpec, Definition, RouteState
from .models import InputRequest, Turn, WorkflowSession

PART_LIMIT = 6_000
"""Characters of one part of an agent's input; longer ones are cut with a note."""


def read_facts(chat: ChatSession, session: WorkflowSession, definition: Definition) -> Facts:
    """Messages, outputs, answers, variables and the artifacts the workflow reads or made."""
    messages = _user_messages(chat)
    outputs: dict[str, Any] = {}
    for turn in Turn.objects.filter(chat=chat, status=Turn.Status.DONE).order_by("number"):
        outputs[turn.agent] = turn.output if turn.output is not None else turn.text
    answers: dict[str, Any] = {}
    answered = InputRequest.objects.filter(chat=chat).exclude(status=InputRequest.Status.OPEN).exclude(name="")
    for request in answered.order_by("resolved_at"):
        if request.response is not None:
            answers[request.name] = request.response
    found = artifacts.newest_of_types(chat=chat, types=definition.reads)
    return Facts(
        message=messages[-1].payload["content"] if messages else "",
        first_message=messages[0].payload["content"] if messages else "",
        outputs=outputs,
        answers=answers,
        variables=dict(session.variables),
        artifacts=found,
    )


def route_state(chat: ChatSession, session: WorkflowSession) -> RouteState:
    """The committed state the route decides from."""
    messages = _user_messages(chat)
    return RouteState(
        last=session.route_last or None,
        entry="message" if session.route_entry == "message" else "start",
        output=session.route_output,
        answer=session.route_answer,
        variables=dict(session.variables),
        message=messages[-1].payload["content"] if messages else "",
    )


def compose_input(
    chat: ChatSession, session: WorkflowSession, definition: Definition, agent: AgentSpec, facts: Facts
) -> str:
    """What the agent is told in its next turn: everything that happened since it last spoke, in order.

    An agent remembers its own turns (its AG2 stream), so it hears only what is new.
    """
    last = Turn.objects.filter(chat=chat, agent=agent.name, status=Turn.Status.DONE).order_by("-number").first()
    after = last.after_seq if last else 0
    parts: list[tuple[int, str, str]] = []
    opening = _opening_seq(chat) if definition.seed is not None else None
    for event in _texts(chat, after):
        if event.payload.get("metadata", {}).get("seed"):
            parts.append((event.seq, "", event.payload["content"]))
        elif event.source == "user" and event.seq != opening:
            parts.append((event.seq, "User", event.payload["content"]))
    since = Turn.objects.filter(chat=chat, status=Turn.Status.DONE, number__gt=last.number if last else 0)
    for turn in since.exclude(agent=agent.name).order_by("number"):
        parts.append((turn.after_seq, _label(definition, turn.agent), turn.text))
    for request in InputRequest.objects.filter(
        chat=chat, seq__gt=after, status=InputRequest.Status.ANSWERED, tool_call_id=""
    ).order_by("seq"):
        parts.append((request.seq, f"The user's answer to “{request.prompt}”", _plain(request.response)))
    new = _published_since(chat, after)
    for name, artifact in facts.artifacts.items():
        if last is None or name in new:
            label = f"{name}, version {artifact['version']}"
            parts.append((new.get(name, 0), label, json.dumps(artifact["state"], ensure_ascii=False)))
    parts.sort(key=lambda part: part[0])
    if len(parts) == 1 and parts[0][1] in ("", "User"):
        return _cut(parts[0][2])
    return "\n\n".join(f"{label}:\n{_cut(text)}" if label else _cut(text) for _, label, text in parts) or "Go on."


def _user_messages(chat: ChatSession) -> list[LoggedEvent]:
    return list(LoggedEvent.objects.filter(chat=chat, type="chat.text", source="user").order_by("seq"))


def _opening_seq(chat: ChatSession) -> int | None:
    """The user's first message, which a seeded workflow's agents hear inside the seed and not again."""
    messages = LoggedEvent.objects.filter(chat=chat, type="chat.text", source="user")
    return messages.order_by("seq").values_list("seq", flat=True).first()


def _published_since(chat: ChatSession, after: int) -> dict[str, int]:
    """The artifact types that this chat made or changed after ``after``, with the number of the newest event."""
    events = LoggedEvent.objects.filter(chat=chat, type="chat.artifact", seq__gt=after).order_by("seq")
    return {event.payload["artifact_type"]: event.seq for event in events}


def _texts(chat: ChatSession, after: int) -> list[LoggedEvent]:
    return list(
        LoggedEvent.objects.filter(chat=chat, type="chat.text", seq__gt=after, source__in=["user", "system"]).order_by(
            "seq"
        )
    )


def _label(definition: Definition, agent: str) -> str:
    spec = definition.agents.get(agent)
    return spec.label if spec else agent


def _plain(response: Any) -> str:
    if isinstance(response, dict) and set(response) == {"text"}:
        return str(response["text"])
    return json.dumps(response, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= PART_LIMIT else f"{text[:PART_LIMIT]}\n[cut: {len(text) - PART_LIMIT} characters more]"
