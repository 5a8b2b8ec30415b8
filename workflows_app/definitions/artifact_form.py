"""Artifacts of the YAML form: schemas of what tools publish, views, and actions.

Rule: a view or an action belongs to a type that this workflow publishes.
"""

from collections.abc import Collection, Iterator

from .declared import Declared, DeclaredAction, label_of
from .located import At
from .problems import did_you_mean
from .reading import NAME, Reader, shown
from .sources import Source

BUILT_IN = ("update_state", "restore", "launch_workflow")  # PROTOCOL: every artifact has these


def published(declared: Declared) -> Iterator[str]:
    """The artifact types a workflow makes."""
    yield from (agent["publish"] for agent in declared["agents"] if agent["publish"])
    yield from declared["artifacts"]


def read_artifacts(source: Source, top: Reader) -> dict[str, str | None]:
    """Types that tools publish, each with its schema."""
    found: dict[str, str | None] = {}
    for kind in top.mapping("artifacts"):
        entry = Reader(source.sheet, ("artifacts",), top.value["artifacts"], "`artifacts`", top.value["artifacts"])
        if not NAME.fullmatch(kind):
            entry.mistake(f"`{shown(kind)}` is not a name for an artifact type.", kind)
        elif not entry.has(kind):
            entry.mistake(f"Artifact `{kind}` has no schema; name one, like `schemas:{kind}`.", kind)
        elif reference := entry.reference(kind, "The schema of an artifact"):
            source.resolve(source.symbols.schema, reference, ("artifacts", kind))
            found[kind] = reference
    return found


def check_kinds(top: Reader, key: str, kinds: Collection[str]) -> None:
    """The types under ``views`` or ``actions`` are among ``kinds``, those the workflow publishes."""
    for kind in top.mapping(key):
        if kind not in kinds:
            hint = did_you_mean(kind, kinds)
            top.mistake(f"Nothing in this workflow publishes `{shown(kind)}`.{hint}", key, kind)


def check_views(top: Reader) -> None:
    """A view is a name or a list of names."""
    for kind, view in top.mapping("views").items():
        if not (isinstance(view, str) or (isinstance(view, list) and all(isinstance(one, str) for one in view))):
            top.mistake("A view is a name, like `table`, or a list of names.", "views", kind)


def read_actions(source: Source, top: Reader) -> list[DeclaredAction]:
    """What users may do to the artifacts."""
    declared = []
    for kind, actions in top.mapping("actions").items():
        if not isinstance(actions, dict):
            top.mistake("The actions of an artifact are a mapping of names.", "actions", kind)
            continue
        for name, value in actions.items():
            at: At = ("actions", kind, name)
            given = {"use": value} if isinstance(value, str) else value
            entry = Reader(source.sheet, at, given, f"Action `{name}`", ("use", "launch", "label", "schema"))
            use, launch = entry.reference("use", "An action"), entry.name("launch")
            if not NAME.fullmatch(name) or name in BUILT_IN:
                entry.mistake(f"`{shown(name)}` cannot be the name of an action.")
            if entry.value and entry.has("use") == entry.has("launch"):
                entry.mistake("An action has either `use`, a function, or `launch`, a workflow.")
            if use:
                source.function(use, ("state", "payload"), at)
            action = DeclaredAction(
                artifact_type=kind,
                name=name,
                label=entry.text("label") or label_of(name),
                use=use,
                launch=launch,
                schema=source.json_schema(entry, "schema"),
            )
            declared.append(action)
    return declared
