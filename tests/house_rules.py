"""The rules of the house, as functions from a file's text to sentences; test_house_rules.py runs them.

Its one rule: a rule never looks at the disk, so that a planted violation is one string.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from django.db import models

PACKAGES = ("mozaiks", "sessions_app", "artifacts", "workflows_app", "general_chat")
STORE = "sessions_app/store.py"
DATABASE_DOOR = "mozaiks/db.py"
LONGEST = 400
SHIPPED_NAMES = ("Generator", "MozaiksCapital", "Investor", "ActionPlan", "InvestmentData", "InvestorBrief")
# Tables that belong to no app: who is an app, and who may come in, is told by them.
NOT_OF_AN_APP = {"accounts.App", "accounts.User"}

_QUERY_METHODS = {"select_for_update": "a lock that MongoDB's backend ignores", "raw": "raw SQL", "extra": "raw SQL"}
_QUERY_NAMES = {"RawSQL": "raw SQL", "RunSQL": "raw SQL"}
_QUERY_KEYWORDS = {"ignore_conflicts": "not supported by MongoDB", "update_conflicts": "not supported by MongoDB"}
# Spelled in parts: this file is read by these rules too.
_LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
_MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|farm|home/\w+)/")
_REGISTRIES = re.compile("|".join(map(re.escape, (
    "py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "deb.de" + "bian.org",
))))  # fmt: skip

Problems = Iterator[str]


def transactions(path: str, source: str) -> Problems:
    """``mozaiks.db`` is the one door to transactions: MongoDB's backend ignores Django's own without a word."""
    if path in (DATABASE_DOOR, STORE):
        return
    for node in ast.walk(ast.parse(source, path)):
        match node:
            case ast.Attribute(value=ast.Name(id="transaction"), attr="atomic" | "on_commit" as name):
                yield f"{path}:{node.lineno}: transaction.{name} belongs in {DATABASE_DOOR}; use its helpers."
            case ast.ImportFrom(module="django.db.transaction"):
                yield f"{path}:{node.lineno}: nothing is imported from django.db.transaction outside {DATABASE_DOOR}."


def portable_queries(path: str, source: str) -> Problems:
    """What one of the three databases cannot do stays in the store module."""
    if path == STORE:
        return
    for node in ast.walk(ast.parse(source, path)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in _QUERY_METHODS and _is_query(name, node):
                yield f"{path}:{node.lineno}: {name}() is {_QUERY_METHODS[name]}; it belongs in {STORE}."
            case ast.Call(func=ast.Attribute(value=ast.Name(id="cursor" | "cur"), attr="execute" | "executemany")):
                yield f"{path}:{node.lineno}: raw SQL belongs in {STORE}."
            case ast.Call(func=ast.Attribute(value=ast.Name(id="connection"), attr="cursor")):
                yield f"{path}:{node.lineno}: raw SQL belongs in {STORE}."
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _QUERY_NAMES:
                yield f"{path}:{node.lineno}: {name} is {_QUERY_NAMES[name]}; it belongs in {STORE}."
            case ast.keyword(arg=str(name)) if name in _QUERY_KEYWORDS:
                yield f"{path}:{node.value.lineno}: {name} is {_QUERY_KEYWORDS[name]}; it belongs in {STORE}."
            case ast.keyword(arg=str(name)) if name.endswith(("__contains", "__contained_by")):
                yield f"{path}:{node.value.lineno}: {name} fails on JSON in SQLite and MongoDB; use key lookups."


def _is_query(name: str, node: ast.Call) -> bool:
    """``raw`` and ``extra`` are words of other libraries too; on a manager or a queryset they are SQL."""
    if name == "select_for_update":
        return True
    return bool(re.search(r"objects|query|filter|exclude|all\(|qs|manager|select_|order_by", ast.unparse(node.func)))


def workflow_names(path: str, source: str) -> Problems:
    """Law 12: the runtime knows no workflow by name. Python's own ``Generator`` type is not one."""
    named = re.compile(r"\b(" + "|".join(SHIPPED_NAMES) + r")\b")
    if not path.endswith(".py"):
        for number, line in enumerate(source.splitlines(), 1):
            if found := named.search(line):
                yield f"{path}:{number}: {found[0]} is a workflow's name; the runtime knows none (law 12)."
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.string == "Generator":
            continue
        if token.type in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT) and (found := named.search(token.string)):
            yield f"{path}:{token.start[0]}: {found[0]} is a workflow's name; the runtime knows none (law 12)."


def length(path: str, source: str) -> Problems:
    """Files of at most 400 lines; 200 is the habit."""
    if (lines := source.count("\n")) > LONGEST:
        yield f"{path}:{lines}: {lines} lines; {LONGEST} is the most."


def nothing_left_open(path: str, source: str) -> Problems:
    """No note to do something later: finish it, or file it."""
    for number, line in enumerate(source.splitlines(), 1):
        if found := _LATER.search(line):
            yield f"{path}:{number}: a {found[0]} is left; finish it or file it."


def no_machine(path: str, source: str) -> Problems:
    """No path of one machine, and no package registry's address."""
    for number, line in enumerate(source.splitlines(), 1):
        if found := _MACHINE.search(line) or _REGISTRIES.search(line):
            yield f"{path}:{number}: {found[0]!r} is true on one machine only."


def portable_model(model: type[models.Model]) -> Problems:
    """A UUID primary key in the column ``_id``, and the app it belongs to (law 11; docs/decisions/0006)."""
    key, label = model._meta.pk, model._meta.label
    if not isinstance(key, models.UUIDField):
        yield f"{label}: the primary key must be a UUID, not {type(key).__name__}."
    if key.column != "_id":
        yield f'{label}: the primary key needs db_column="_id", not {key.column!r}.'
    if label in NOT_OF_AN_APP:
        return
    names = {field.name: field for field in model._meta.fields}
    app = names.get("app")
    if not isinstance(app, models.ForeignKey) or app.related_model._meta.label != "accounts.App":
        yield f"{label}: every tenant's table has a foreign key `app` to accounts.App."
    elif app.null:
        yield f"{label}: `app` must not be null."
