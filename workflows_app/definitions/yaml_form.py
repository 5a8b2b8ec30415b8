"""The YAML form: ``workflow.yaml`` read into the declarative part, every mistake at its line.

Rule: reading goes on after a mistake, so an author sees all of them at once; nothing is built from a sheet with one.
"""

from typing import Any

from .agent_form import read_agent
from .artifact_form import check_kinds, check_views, published, read_actions, read_artifacts
from .ask_form import read_ask
from .declared import Declared
from .reading import NAME, Reader, shown
from .route import ENTRIES, EXITS
from .route_form import read_route
from .seed import seed_mistakes
from .settings_form import read_settings
from .sources import Source

KEYS = (
    "workflow description keywords requires reads variables limits seed starts_by on_busy model agents ask route"
    " artifacts views actions prompts_to_try expected_minutes"
).split()


def read_yaml(source: Source) -> Declared:
    """The declarative part of ``source.sheet``; what is wrong is in ``source.sheet.problems``."""
    top = Reader(source.sheet, (), source.sheet.value, "A workflow", KEYS)
    if isinstance(source.sheet.value, dict):
        top.require("workflow", "agents", "route")
    declared = read_settings(top)
    declared["agents"] = [read_agent(source, top, name) for name in _named(top, "agents")]
    declared["asks"] = [read_ask(source, name, value) for name, value in _named(top, "ask").items()]
    declared["artifacts"] = read_artifacts(source, top)
    for key in ("views", "actions"):
        check_kinds(top, key, set(published(declared)))
    check_views(top)
    declared["actions"] = read_actions(source, top)
    for sentence in seed_mistakes(declared["seed"] or "", declared["variables"]):
        top.mistake(sentence, "seed")
    declared["route"] = read_route(source, top, declared)
    return declared


def _named(top: Reader, key: str) -> dict[str, Any]:
    """The entries of ``agents`` or ``ask`` whose names can stand in a route."""
    good: dict[str, Any] = {}
    for name, value in top.mapping(key).items():
        if not NAME.fullmatch(name):
            top.mistake(f"`{shown(name)}` is not a name: letters, digits and underscores, at most 64.", key, name)
        elif name in (*ENTRIES, *EXITS):
            top.mistake(f"`{name}` is a place every route has; choose another name.", key, name)
        elif key == "ask" and name in top.mapping("agents"):
            top.mistake(f"`{name}` is already the name of an agent; a route could not tell them apart.", key, name)
        else:
            good[name] = value
    if key == "agents" and isinstance(top.value.get(key), dict) and not top.value[key]:
        top.mistake("A workflow needs at least one agent.", key)
    return good
