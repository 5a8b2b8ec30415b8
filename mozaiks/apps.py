from django.apps import AppConfig


class MozaiksConfig(AppConfig):
    """The project itself: its management commands and pages."""

    name = "mozaiks"
    verbose_name = "Mozaiks"

    def ready(self) -> None:
        from django.contrib import admin

        admin.site.site_header = admin.site.site_title = "Mozaiks"
        admin.site.index_title = "What runs here"
