"""The WebSocket commands about workflows and messages."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from mozaiks.accounts.principal import Principal
from mozaiks.gateway.registry import command
from mozaiks.protocol.commands import Command, Cursor, Effect, Follow
from sessions_app import registry

from . import services

Text = Field(min_length=1, max_length=services.MESSAGE_LIMIT)


class StartWorkflow(Command):
    """Start a workflow in a chat of its own; with ``activate`` (the default) it becomes the active chat."""

    type: Literal["chat.start_workflow"] = "chat.start_workflow"
    workflow_name: str = Field(min_length=1, max_length=100)
    message: str | None = Field(default=None, max_length=services.MESSAGE_LIMIT)
    title: str | None = Field(default=None, max_length=200)
    activate: StrictBool = True

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=UUID(data["chat_id"]), cursor=Cursor(seq=0))]


class SwitchWorkflow(Command):
    """Make a chat the active one and leave general mode; without ``chat_id`` the oldest IN_PROGRESS one (B65)."""

    type: Literal["chat.switch_workflow"] = "chat.switch_workflow"
    chat_id: UUID | None = None
    cursor: Cursor | None = None

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        target = data["to_chat_id"]
        return [Follow(chat_id=UUID(target), cursor=self.cursor)] if target else []


class SubmitInput(Command):
    """A message to a chat; it may answer an open question."""

    type: Literal["user.input.submit"] = "user.input.submit"
    text: str = Text
    chat_id: UUID | None = None
    input_request_id: UUID | None = None
    on_busy: Literal["queue", "reject"] | None = None

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=UUID(data["chat_id"]), meta=False, only_new=True)]


class RespondToInput(Command):
    """The answer to a question, an approval or a form."""

    type: Literal["ui_tool_response"] = "ui_tool_response"
    input_request_id: UUID
    response: dict[str, Any]

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=UUID(data["chat_id"]), meta=False, only_new=True)]


class PauseChat(Command):
    """Stop the chat's run at its next safe point; a chat at rest is paused at once and queues what comes."""

    type: Literal["chat.pause"] = "chat.pause"
    chat_id: UUID


class ResumeChat(Command):
    """Let a paused chat go on from where it stopped."""

    type: Literal["chat.resume"] = "chat.resume"
    chat_id: UUID


class StopRun(Command):
    """End that run now and keep the text so far; a run that is not the current one: ``stopped`` false."""

    type: Literal["chat.stop"] = "chat.stop"
    chat_id: UUID
    run_id: UUID


class RetryRun(Command):
    """Queue the chat's failed run again from its last step."""

    type: Literal["chat.retry"] = "chat.retry"
    chat_id: UUID


class CompleteChat(Command):
    """The user ends the workflow."""

    type: Literal["chat.complete"] = "chat.complete"
    chat_id: UUID


@command(StartWorkflow)
def start_workflow(principal: Principal, cmd: StartWorkflow) -> dict[str, Any]:
    session, run = services.start_workflow(
        principal=principal, name=cmd.workflow_name, message=cmd.message, title=cmd.title
    )
    if cmd.activate:
        services.switch_workflow(principal=principal, chat_id=session.chat_id)
    else:
        registry.changed(principal)
    return {
        "chat_id": str(session.chat_id),
        "workflow_name": session.workflow_name,
        "cache_seed": session.cache_seed,
        "run_id": str(run.pk) if run else None,
    }


@command(SwitchWorkflow, viewers=True)
def switch_workflow(principal: Principal, cmd: SwitchWorkflow) -> dict[str, Any]:
    return services.switch_workflow(principal=principal, chat_id=cmd.chat_id)


@command(SubmitInput)
def submit_input(principal: Principal, cmd: SubmitInput) -> dict[str, Any]:
    chat_id, submission = services.submit(
        principal=principal,
        chat_id=cmd.chat_id,
        text=cmd.text,
        input_request_id=cmd.input_request_id,
        on_busy=cmd.on_busy,
    )
    data: dict[str, Any] = {"chat_id": str(chat_id), "status": submission.status}
    if submission.seq is not None:
        data["seq"] = submission.seq
    if submission.run_id is not None:
        data["run_id"] = str(submission.run_id)
    if submission.queued_id is not None:
        data["queued_id"] = str(submission.queued_id)
    if submission.already:
        data["already"] = True
    return data


@command(RespondToInput)
def respond_to_input(principal: Principal, cmd: RespondToInput) -> dict[str, Any]:
    return services.answer_input(principal=principal, input_request_id=cmd.input_request_id, response=cmd.response)


@command(PauseChat)
def pause_chat(principal: Principal, cmd: PauseChat) -> dict[str, Any]:
    return {"run_state": services.pause_chat(principal=principal, chat_id=cmd.chat_id).run_state}


@command(ResumeChat)
def resume_chat(principal: Principal, cmd: ResumeChat) -> dict[str, Any]:
    return {"run_state": services.resume_chat(principal=principal, chat_id=cmd.chat_id).run_state}


@command(StopRun)
def stop_run(principal: Principal, cmd: StopRun) -> dict[str, Any]:
    return {"stopped": services.stop_run(principal=principal, chat_id=cmd.chat_id, run_id=cmd.run_id)}


@command(RetryRun)
def retry_run(principal: Principal, cmd: RetryRun) -> dict[str, Any]:
    return {"run_id": str(services.retry_chat(principal=principal, chat_id=cmd.chat_id).pk)}


@command(CompleteChat)
def complete_chat(principal: Principal, cmd: CompleteChat) -> dict[str, Any]:
    return {"status": services.complete_chat(principal=principal, chat_id=cmd.chat_id).status}
