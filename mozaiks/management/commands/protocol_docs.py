"""``manage.py protocol_docs``: the protocol's documentation, written from the code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mozaiks import protocol_docs


class Command(BaseCommand):
    help = "Write docs/protocol.md and docs/protocol.schema.json from the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not current")

    def handle(self, *, check: bool, **options: Any) -> str:
        if not check:
            changed = protocol_docs.write()
            return f"Wrote {' and '.join(changed)}." if changed else "The protocol's documentation was current."
        if stale := protocol_docs.stale():
            raise CommandError(f"{' and '.join(stale)} are not current: run manage.py protocol_docs.")
        return "The protocol's documentation is current."
