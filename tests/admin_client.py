"""The admin as its people see it: a superuser, and staff of one app who may read everything the admin offers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from mozaiks.accounts import services
from mozaiks.accounts.models import App, User

READ_ONLY = [
    "sessions_app/chatsession",
    "sessions_app/modelcall",
    "workflows_app/run",
    "workflows_app/inputrequest",
    "workflows_app/frozendefinition",
    "workflows_app/workflowsession",
    "general_chat/generalchatsession",
    "artifacts/artifactinstance",
]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff_of(slug: str) -> Client:
    """Somebody with every permission there is, but no superuser, who is a member of that app only."""
    user, _ = services.make_member(app=App.objects.get(slug=slug), username=f"staff-of-{slug}")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.all())
    return signed_in(user)


def superuser() -> Client:
    return signed_in(User.objects.get(username="alice"))


def page(client: Client, path: str, *, status: int = 200) -> str:
    """A page of the admin as text."""
    response: Any = client.get(f"/admin/{path}")
    assert response.status_code == status, (path, response.status_code)
    return str(response.content.decode())
