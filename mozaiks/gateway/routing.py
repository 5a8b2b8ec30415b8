"""The socket's paths."""

from django.urls import re_path

from .consumer import SocketConsumer

websocket_urlpatterns = [
    re_path(r"^ws/(?P<app_id>[-a-zA-Z0-9_]+)/?$", SocketConsumer.as_asgi()),
    # Alias of the prior system: the same socket with that chat opened and made active after hello.
    re_path(
        r"^ws/(?P<workflow_name>[^/]+)/(?P<app_id>[-a-zA-Z0-9_]+)/(?P<chat_id>[^/]+)/(?P<user_id>[^/]+)/?$",
        SocketConsumer.as_asgi(),
    ),
]
