"""The workflows this process knows: the shipped folder and WORKFLOWS_DIRS, loaded once; chats run frozen copies."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from threading import Lock
from uuid import UUID

from django.conf import settings

from mozaiks.protocol.errors import WorkflowNotFound

from .definitions import Definition, load_folders, thaw
from .models import FrozenDefinition

log = logging.getLogger("mozaiks.workflows")

SHIPPED = Path(__file__).resolve().parent / "shipped"
_lock = Lock()


@lru_cache(maxsize=1)
def _load() -> dict[str, Definition]:
    folders = [
        folder
        for root in (SHIPPED, *settings.CONFIG.workflows_dirs)
        for folder in ([root] if _is_workflow(root) else sorted(path for path in root.iterdir() if _is_workflow(path)))
    ]
    definitions, problems = load_folders(folders)
    for problem in problems:
        log.error("workflow not loaded: %s", problem)
    return definitions


def all_definitions() -> dict[str, Definition]:
    """Every workflow that loads, by name; one bad folder never hides the good ones."""
    with _lock:
        return _load()


def get_definition(name: str) -> Definition:
    """The workflow of that name, or ``WorkflowNotFound``."""
    definition = all_definitions().get(name)
    if definition is None:
        raise WorkflowNotFound(f"There is no workflow {name[:100]!r}.")
    return definition


def freeze(*, app_id: UUID, definition: Definition) -> FrozenDefinition:
    """The stored copy of the definition's declarative part, made where this hash is new to the app."""
    return FrozenDefinition.objects.get_or_create(
        app_id=app_id,
        hash=definition.hash,
        defaults={
            "name": definition.name,
            "folder": str(definition.folder),
            "declarative": definition.declarative,
        },
    )[0]


def thawed(frozen: FrozenDefinition) -> Definition:
    """The definition a chat started with: its stored declarative part with today's Python."""
    current = all_definitions().get(frozen.name)
    if current is not None and current.hash == frozen.hash:
        return current
    with _lock:
        return _thaw(frozen.hash, frozen)


_thawed: dict[str, Definition] = {}


def _thaw(content: str, frozen: FrozenDefinition) -> Definition:
    if content not in _thawed:
        _thawed[content] = thaw(frozen.declarative, Path(frozen.folder))
    return _thawed[content]


def reload() -> None:
    """Read the folders again."""
    with _lock:
        _load.cache_clear()
        _thawed.clear()


def _is_workflow(path: Path) -> bool:
    return path.is_dir() and ((path / "workflow.yaml").exists() or (path / "workflow.py").exists())
