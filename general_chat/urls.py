from django.urls import path

from mozaiks import paths

from . import api

paths.install()

urlpatterns = [
    path(
        "general_chats/list/<app:app_id>/<str:user_id>",
        api.GeneralChats.as_view({"get": "list_chats"}),
        name="general-chats-list",
    ),
    path(
        "general_chats/transcript/<app:app_id>/<str:chat_id>",
        api.GeneralChats.as_view({"get": "transcript"}),
        name="general-chats-transcript",
    ),
]
