from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, the apps (tenants) they belong to, and how they sign in."""

    name = "mozaiks.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
