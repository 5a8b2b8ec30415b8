from django.urls import path

from mozaiks import paths

from . import api

paths.install()

urlpatterns = [
    path("timeline/<app:app_id>/<str:user_id>", api.Chats.as_view({"get": "timeline"}), name="timeline"),
    path("usage/<app:app_id>", api.Chats.as_view({"get": "usage"}), name="usage"),
    path("chats/<app:app_id>/<str:chat_id>", api.Chats.as_view({"delete": "destroy"}), name="chat"),
]
