"""May this user start this workflow? One function, asked by REST and WebSocket start alike (A33, A34); fails closed."""

from __future__ import annotations

from typing import Any

from artifacts.models import ArtifactInstance
from mozaiks.accounts.models import App, Membership
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.errors import PrerequisitesNotMet
from sessions_app.models import ChatSession

from .definitions import Definition, Requirement
from .library import all_definitions

RANK = {Membership.Role.VIEWER: 0, Membership.Role.MEMBER: 1, Membership.Role.OWNER: 2}


def missing_requirement(*, principal: Principal, definition: Definition) -> str | None:
    """What is missing and what to do about it, as a sentence; None when the workflow may start."""
    for requirement in definition.requires:
        sentence = _missing(principal, requirement)
        if sentence is not None:
            return sentence
    return None


def check_prerequisites(*, principal: Principal, definition: Definition) -> None:
    """Refuse with ``WORKFLOW_PREREQS_NOT_MET`` where something is missing."""
    sentence = missing_requirement(principal=principal, definition=definition)
    if sentence is not None:
        raise PrerequisitesNotMet(sentence)


def list_available(*, principal: Principal) -> list[dict[str, Any]]:
    """Every workflow with whether the principal may start it and, if not, why."""
    rows = []
    for definition in sorted(all_definitions().values(), key=lambda found: found.name):
        reason = missing_requirement(principal=principal, definition=definition)
        rows.append(
            {
                "workflow_name": definition.name,
                "description": definition.description,
                "available": reason is None,
                "reason": reason,
                "required": [{"kind": need.kind, "value": need.value} for need in definition.requires],
                "prompts_to_try": definition.prompts_to_try,
                "expected_minutes": definition.expected_minutes,
                "starts_by": definition.starts_by,
            }
        )
    return rows


def _missing(principal: Principal, need: Requirement) -> str | None:
    match need.kind:
        case "workflow":
            done = ChatSession.objects.filter(
                app_id=principal.app_id,
                owner_id=principal.user_id,
                workflow_name=need.value,
                status=ChatSession.Status.COMPLETED,
                deleted_at=None,
            )
            return None if done.exists() else f"This needs a completed {need.value} workflow; finish one first."
        case "artifact":
            made = ArtifactInstance.objects.filter(
                app_id=principal.app_id, owner_id=principal.user_id, artifact_type=need.value
            )
            return None if made.exists() else f"This needs an artifact of type {need.value}; make one first."
        case "role":
            enough = RANK.get(Membership.Role(principal.role), -1) >= RANK.get(Membership.Role(need.value), 99)
            return None if enough else f"This needs the role {need.value}; ask an owner of the app."
        case "setting":
            app = App.objects.filter(pk=principal.app_id).first()
            on = bool(app and app.settings.get(need.value))
            return None if on else f"The app's setting {need.value} is off; ask an owner of the app to switch it on."
