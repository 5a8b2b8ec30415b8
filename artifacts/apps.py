from django.apps import AppConfig


class ArtifactsConfig(AppConfig):
    """Versioned objects that agents and users make, and which chats show them."""

    name = "artifacts"
    verbose_name = "Artifacts"
