from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Chats and their log, the session registry, command claims, the ledger."""

    name = "sessions_app"
    verbose_name = "Chats"

    def ready(self) -> None:
        from mozaiks.gateway import ports

        from . import ws  # noqa: F401  (registers its commands)
        from .claims import DatabaseClaims
        from .log_reader import DatabaseLog

        ports.install(log=DatabaseLog(), claims=DatabaseClaims())
