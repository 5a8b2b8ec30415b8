"""``manage.py token``: a bearer token on stdout and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mozaiks.accounts import services
from mozaiks.accounts.models import App
from mozaiks.protocol.errors import Refused


class Command(BaseCommand):
    help = "Print a new bearer token of a user in an app."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", required=True)
        parser.add_argument("--user", required=True)
        parser.add_argument("--create", action="store_true", help="make the user and the membership where missing")

    def handle(self, *, app: str, user: str, create: bool, **options: Any) -> str:
        try:
            if create:
                found = App.objects.filter(slug=app).first() or services.make_app(slug=app, name=app)
                services.make_member(app=found, username=user)
            return services.issue_token(user=services.find_user(user), app_slug=app)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} (app {app}, user {user}; --create makes what is missing)") from None
