"""What the runtime does with a chat of kind ``workflow``."""

from __future__ import annotations

from sessions_app.kinds import ChatKind
from sessions_app.models import ChatSession

from . import runner, runs, selectors, services


def abandon(chat: ChatSession) -> None:
    """The chat is being deleted: end its run."""
    run = selectors.get_unfinished_run(chat.pk)
    if run is not None:
        chat.queue.all().delete()
        runs.stop(chat, run.pk)


KIND = ChatKind(
    submit=services.submit_message,
    stop=runs.stop,
    abandon=abandon,
    execute=runner.execute_workflow,
)
