from django.apps import AppConfig


class GeneralChatConfig(AppConfig):
    """Ask Mozaiks: the assistant beside the workflows, in numbered chats of its own."""

    name = "general_chat"
    verbose_name = "Ask Mozaiks"

    def ready(self) -> None:
        from sessions_app import kinds

        from . import (
            chat_kind,
            ws,  # noqa: F401  (registers its commands)
        )

        kinds.register("general", chat_kind.KIND)
