"""What Ask Mozaiks sees of the user's work, read from the registry at each message (A36-A39), within a budget."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from artifacts import selectors as artifacts
from mozaiks.accounts.principal import Principal
from sessions_app import selectors as sessions
from sessions_app.models import ChatSession, LoggedEvent
from workflows_app import guards
from workflows_app import selectors as workflows

BUDGET = 9_000
"""Characters of the live context; the newest work comes first, and what does not fit is named as left out."""
SHOWN = 30
"""Chats that the context looks at, the newest work first."""
HISTORY = 12_000
"""Characters of the chat's own history that go to the model, newest first."""


@dataclass(frozen=True)
class LiveContext:
    """The user's open work as plain facts; the offline model answers from them, a real one reads ``text``."""

    chats: list[dict[str, Any]] = field(default_factory=list)
    available: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def read_live_context(*, principal: Principal) -> LiveContext:
    """Status, run state, open questions and newest artifact of each workflow of the user; what can be started."""
    session = sessions.get_session(principal=principal)
    mine = sessions.list_chats(principal=principal).filter(kind=ChatSession.Kind.WORKFLOW)
    recent = list(mine.order_by("-last_updated_at")[:SHOWN])
    questions, made = _questions(recent), artifacts.newest_states(ids=[chat.artifact_id for chat in recent])
    chats = [
        {
            "chat_id": str(chat.pk),
            "label": chat.label,
            "workflow_name": chat.workflow_name,
            "status": chat.status,
            "run_state": chat.run_state,
            "pause_reason": chat.pause_reason,
            "active": chat.pk == session.active_chat_id,
            "tab": str(chat.pk) in session.tabs,
            "questions": questions[chat.pk],
            "artifact": made.get(chat.artifact_id) if chat.artifact_id else None,
        }
        for chat in recent
    ]
    available = guards.list_available(principal=principal)
    usage = sessions.user_usage(principal=principal)
    return LiveContext(chats, available, usage, _as_text(chats, available, usage))


def read_history(chat: ChatSession) -> list[dict[str, str]]:
    """The general chat's own messages for the model, oldest first, within ``HISTORY``."""
    kept: list[dict[str, str]] = []
    left = HISTORY
    newest_first = LoggedEvent.objects.filter(chat=chat, type="chat.text").order_by("-seq")[:60]
    for event in newest_first:
        content = event.payload["content"]
        left -= len(content)
        if left < 0 and kept:
            break
        kept.append({"role": event.payload["role"], "content": content})
    return kept[::-1]


def _questions(chats: list[ChatSession]) -> dict[UUID, list[dict[str, Any]]]:
    """The open questions of each chat, in one query."""
    found: dict[UUID, list[dict[str, Any]]] = {chat.pk: [] for chat in chats}
    for request in workflows.list_open_inputs_of(list(found)):
        found[request.chat_id].append({"kind": request.kind, "prompt": request.prompt})
    return found


def _as_text(chats: list[dict[str, Any]], available: list[dict[str, Any]], usage: dict[str, Any]) -> str:
    lines: list[str] = []
    left_out = 0
    for chat in chats:
        part = _chat_text(chat)
        if sum(len(line) for line in lines) + len(part) > BUDGET:
            left_out += 1
            continue
        lines.append(part)
    if left_out:
        lines.append(f"({left_out} older workflows are left out here.)")
    can = ", ".join(row["workflow_name"] for row in available if row["available"]) or "none"
    locked = "; ".join(f"{row['workflow_name']}: {row['reason']}" for row in available if not row["available"])
    head = "\n".join(lines) if lines else "The user has no workflows yet."
    return (
        f"{head}\nWorkflows that can be started: {can}.\n"
        + (f"Locked: {locked}\n" if locked else "")
        + f"Tokens used so far: {usage['total_tokens']}."
    )


def _chat_text(chat: dict[str, Any]) -> str:
    marks = [word for word, on in (("active", chat["active"]), ("open tab", chat["tab"])) if on]
    line = f"- {chat['workflow_name']} “{chat['label']}” ({', '.join(marks) or 'no tab'}): "
    line += f"{chat['status']}, {chat['run_state']}"
    if chat["pause_reason"]:
        line += f" because of {chat['pause_reason']}"
    for question in chat["questions"]:
        line += f"\n  waits for an answer ({question['kind']}): {question['prompt']}"
    if chat["artifact"]:
        shown = json.dumps(chat["artifact"]["summary"], ensure_ascii=False)
        line += (
            f"\n  newest artifact: {chat['artifact']['type']}, version {chat['artifact']['version']}: {shown[:1500]}"
        )
    return line
