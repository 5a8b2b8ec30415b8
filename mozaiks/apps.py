from django.apps import AppConfig


class MozaiksConfig(AppConfig):
    """The project itself: its management commands and pages."""

    name = "mozaiks"
    verbose_name = "Mozaiks"
