"""What the runtime does with a chat of kind ``general``."""

from __future__ import annotations

from sessions_app.kinds import ChatKind
from sessions_app.models import ChatSession
from workflows_app import runs
from workflows_app.chat_kind import abandon

from . import executor, services
from .models import GeneralChatSession


def sequence(chat: ChatSession) -> int | None:
    """The number in "General Chat #3"; it stays when the user renames the chat."""
    return GeneralChatSession.objects.filter(chat_id=chat.pk).values_list("sequence", flat=True).first()


KIND = ChatKind(
    submit=services.submit_message, stop=runs.stop, abandon=abandon, execute=executor.execute, sequence=sequence
)
