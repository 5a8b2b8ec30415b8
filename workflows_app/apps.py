from django.apps import AppConfig


class WorkflowsAppConfig(AppConfig):
    """Workflow definitions, sessions, runs and turns, and the engine that carries runs out."""

    name = "workflows_app"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from mozaiks.gateway import ports
        from sessions_app import kinds

        from . import (
            chat_kind,
            selectors,
            ws,  # noqa: F401  (registers its commands)
        )

        ports.install(meta=selectors.chat_meta, open_inputs=selectors.list_open_input_seqs)
        kinds.register("workflow", chat_kind.KIND)
