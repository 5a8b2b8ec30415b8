"""``manage.py`` or daphne for the kill tests: SIGUSR1 arms the fault point a file names; a mutant can be planted.

    python -m tests.kill.armed serve --port 8000
    python -m tests.kill.armed daphne -b 127.0.0.1 -p 8000 mozaiks.asgi:application

Rule: the product's code runs as it is. What ``MOZAIKS_FAULT`` does at the start of a process is done here in the middle
of its life, so that one server can serve many scenarios, each killed once; nothing else differs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from mozaiks import faults


def arm(*signalled: Any) -> None:
    """Read ``name:count`` from the file; an empty file disarms."""
    name, _, count = Path(os.environ["KILL_ARM"]).read_text().partition(":")
    faults._left = int(count or 1)
    faults._name = name
    Path(os.environ["KILL_ARM"] + ".armed").write_text(name)


def main(args: list[str]) -> None:
    signal.signal(signal.SIGUSR1, arm)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mozaiks.settings")
    import django

    django.setup()
    if mutant := os.environ.get("KILL_MUTANT"):
        from tests.kill import mutants

        mutants.plant(mutant)
    if args[0] == "daphne":
        from daphne.cli import CommandLineInterface

        CommandLineInterface().run(args[1:])
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["manage.py", *args])


if __name__ == "__main__":
    main(sys.argv[1:])
