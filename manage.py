#!/usr/bin/env python
"""Django's command line for Mozaiks; a wrong setting ends it with one sentence that names the variable."""

import os
import sys

from mozaiks.config import ConfigError, keep_secret_key


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mozaiks.settings")
    if sys.argv[1:2] == ["runserver"]:
        os.environ.setdefault("DEBUG", "1")
    try:
        if sys.argv[1:2] == ["setup"]:
            keep_secret_key(os.environ)
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ConfigError as error:
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
