"""``python -m workflows_app.definitions FOLDER…``: check workflow folders without starting anything.

Rule: each problem is one line, ``file:line: sentence``, as editors and CI read it; with one, the exit status is 1.
"""

import sys
from pathlib import Path

from .loader import find_folders, load_folders


def main(arguments: list[str]) -> int:
    """Check the folders, or the workflow folders directly inside them; the exit status."""
    given = [Path(argument) for argument in arguments]
    folders = [folder for path in given for folder in find_folders([path]) or [path]]
    if not folders:
        sys.stderr.write("Name a workflow's folder, or a folder of such folders.\n")
        return 2
    definitions, problems = load_folders(folders)
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    for name, definition in definitions.items():
        sys.stdout.write(f"{definition.folder}: {name} is in order ({len(definition.agents)} agents).\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
