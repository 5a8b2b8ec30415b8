from django.urls import path

from mozaiks import paths

from . import api

paths.install()

# The reserved words come before the patterns in which an app's slug stands first.
urlpatterns = [
    path(
        "chats/meta/<app:app_id>/<str:workflow_name>/<str:chat_id>",
        api.WorkflowChats.as_view({"get": "meta"}),
        name="chat-meta",
    ),
    path(
        "chats/exists/<app:app_id>/<str:workflow_name>/<str:chat_id>",
        api.WorkflowChats.as_view({"get": "exists"}),
        name="chat-exists",
    ),
    path(
        "chats/transcript/<app:app_id>/<str:chat_id>",
        api.WorkflowTranscripts.as_view({"get": "retrieve"}),
        name="chat-transcript",
    ),
    path(
        "chats/<app:app_id>/<str:workflow_name>/start", api.WorkflowChats.as_view({"post": "start"}), name="chat-start"
    ),
    path(
        "chats/<app:app_id>/<str:chat_id>/messages",
        api.WorkflowChats.as_view({"post": "message"}),
        name="chat-messages",
    ),
    path(
        "sessions/list/<app:app_id>/<str:user_id>",
        api.WorkflowChats.as_view({"get": "list_sessions"}),
        name="sessions-list",
    ),
    path("workflows/<app:app_id>/available", api.Workflows.as_view({"get": "available"}), name="workflows-available"),
]
