"""``manage.py setup``: a database and a demo app with two users; may be called again at any time."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from mozaiks.accounts import services
from mozaiks.accounts.models import Membership


class Command(BaseCommand):
    help = "Migrate, and create the app demo with the users alice (owner, staff) and bob."

    def handle(self, **options: Any) -> str:
        call_command("migrate", verbosity=0, interactive=False)
        app = services.make_app(slug="demo", name="Demo")
        made = []
        for username, role in (("alice", Membership.Role.OWNER), ("bob", Membership.Role.MEMBER)):
            user, created = services.make_member(app=app, username=username, role=role)
            if created:
                password = os.environ.get("MOZAIKS_DEMO_PASSWORD") or secrets.token_urlsafe(12)
                user.set_password(password)
                user.is_staff = user.is_superuser = role == Membership.Role.OWNER
                user.save()
                shown = "from MOZAIKS_DEMO_PASSWORD" if os.environ.get("MOZAIKS_DEMO_PASSWORD") else password
                made.append(f"{username} (password {shown})")
        return f"App demo is ready; made {', '.join(made)}." if made else "App demo is ready."
