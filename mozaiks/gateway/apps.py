from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """SimpleTransport: sockets, commands, replay and live tail."""

    name = "mozaiks.gateway"
    label = "gateway"

    def ready(self) -> None:
        from . import commands  # noqa: F401  (registers the gateway's own commands)
