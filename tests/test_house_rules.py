"""The house rules over the whole tree, and a planted violation for each: a rule that cannot fail is not a rule."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from mozaiks.accounts.models import App
from tests import house_rules as rules

ROOT = Path(__file__).resolve().parent.parent
CODE = {".py", ".js", ".mjs", ".css", ".html", ".sh"}
TEXT = CODE | {".md", ".toml", ".yaml", ".yml", ".lock", ".json", ".jsonl", ".txt", ".cfg", ".jinja", ""}
Rule = Callable[[str, str], Iterator[str]]


@cache
def tracked() -> tuple[str, ...]:
    """The files that are, or are about to be, in the repository; vendored libraries are other people's."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
    else:
        paths = [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts
        ]
    return tuple(sorted(path for path in paths if "/vendor/" not in path and not path.startswith(".git/")))


def files(suffixes: set[str], *, under: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [
        (path, (ROOT / path).read_text(encoding="utf-8"))
        for path in tracked()
        if Path(path).suffix in suffixes and (not under or path.split("/")[0] in under)
    ]


def broken(rule: Rule, among: list[tuple[str, str]]) -> list[str]:
    assert among, "the rule looked at nothing"
    return [problem for path, source in among for problem in rule(path, source)]


def our_models() -> list[type[models.Model]]:
    return [
        model
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in rules.PACKAGES
        for model in config.get_models()
        if not model._meta.proxy
    ]


@pytest.mark.requirement("law 7", "PROTOCOL 8")
def test_transactions_go_through_one_door() -> None:
    assert broken(rules.transactions, files({".py"}, under=rules.PACKAGES)) == []


def test_queries_keep_the_third_database_open() -> None:
    assert broken(rules.portable_queries, files({".py"}, under=rules.PACKAGES)) == []


@pytest.mark.requirement("B48", "law 11")
def test_every_table_has_a_portable_key_and_its_app() -> None:
    found = our_models()
    assert len(found) > 5
    assert [problem for model in found for problem in rules.portable_model(model)] == []


@pytest.mark.requirement("B74", "law 12")
def test_the_runtime_knows_no_workflow_by_name() -> None:
    runtime = [
        (path, source)
        for path, source in files(CODE, under=(*rules.PACKAGES, "templates"))
        if not path.startswith("workflows_app/shipped/")
    ]
    assert broken(rules.workflow_names, runtime) == []


def test_files_fit_in_a_head() -> None:
    assert broken(rules.length, files(CODE)) == []


def test_nothing_is_left_for_later() -> None:
    assert broken(rules.nothing_left_open, files(TEXT)) == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert broken(rules.no_machine, files(TEXT)) == []


PLANTED: list[tuple[Rule, str, str]] = [
    (rules.transactions, "artifacts/services.py", "with transaction.atomic():\n    pass\n"),
    (rules.transactions, "artifacts/services.py", "@transaction.atomic\ndef f(): ...\n"),
    (rules.transactions, "artifacts/services.py", "from django.db.transaction import atomic\n"),
    (rules.transactions, "mozaiks/gateway/push.py", "transaction.on_commit(ring)\n"),
    (rules.portable_queries, "artifacts/services.py", "Chat.objects.select_for_update().get(pk=1)\n"),
    (rules.portable_queries, "artifacts/services.py", "rows_of(chat).select_for_update()\n"),
    (rules.portable_queries, "artifacts/services.py", "Chat.objects.bulk_create(rows, ignore_conflicts=True)\n"),
    (rules.portable_queries, "artifacts/services.py", "Chat.objects.bulk_create(rows, update_conflicts=True)\n"),
    (rules.portable_queries, "artifacts/selectors.py", "Chat.objects.filter(state__contains={'a': 1})\n"),
    (rules.portable_queries, "artifacts/selectors.py", "Chat.objects.raw('select 1')\n"),
    (rules.portable_queries, "artifacts/selectors.py", "Chat.objects.extra(where=['1=1'])\n"),
    (rules.portable_queries, "artifacts/selectors.py", "with connection.cursor() as cursor:\n    pass\n"),
    (rules.portable_queries, "artifacts/selectors.py", "cursor.execute('select 1')\n"),
    (rules.portable_queries, "artifacts/selectors.py", "Chat.objects.annotate(a=RawSQL('1', []))\n"),
    (rules.workflow_names, "workflows_app/runner.py", "if name == 'MozaiksCapital': pass\n"),
    (rules.workflow_names, "workflows_app/runner.py", "if name == 'Generator': pass\n"),
    (rules.workflow_names, "workflows_app/runner.py", "# the Investor comes next\n"),
    (rules.workflow_names, "workflows_app/runner.py", "class ActionPlan: pass\n"),
    (rules.workflow_names, "mozaiks/static/mozaiks/panel.js", "if (type === 'InvestmentData') draw();\n"),
    (rules.length, "artifacts/services.py", "x = 1\n" * 401),
    (rules.nothing_left_open, "artifacts/services.py", "# TO" + "DO: later\n"),
    (rules.nothing_left_open, "docs/a.md", "FIX" + "ME\n"),
    (rules.no_machine, "docs/a.md", "see /ro" + "ot/notes\n"),
    (rules.no_machine, "docs/a.md", "cd /wo" + "rk/main\n"),
    (rules.no_machine, "docs/a.md", "cd '/ho" + "me/alice/mozaiks'\n"),
    (rules.no_machine, "requirements.lock", "--index-url https://py" + "pi.org/simple\n"),
]


@pytest.mark.parametrize(("rule", "path", "source"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, path: str, source: str) -> None:
    assert len(list(rule(path, source))) >= 1


INNOCENT: list[tuple[Rule, str, str]] = [
    (rules.transactions, "mozaiks/db.py", "transaction.atomic()\n"),
    (rules.transactions, "sessions_app/store.py", "transaction.atomic()\n"),
    (rules.transactions, "artifacts/services.py", "with txn():\n    on_commit(ring)\n"),
    (rules.portable_queries, "sessions_app/store.py", "Chat.objects.select_for_update().get(pk=1)\n"),
    (rules.portable_queries, "artifacts/selectors.py", "Chat.objects.filter(title__icontains='a')\n"),
    (rules.portable_queries, "artifacts/selectors.py", "view.extra(1)\n"),
    (rules.workflow_names, "mozaiks/db.py", "from collections.abc import Generator\ndef f() -> Generator[int]: ...\n"),
    (rules.workflow_names, "mozaiks/db.py", "x = 'Generators'\n"),
    (rules.length, "artifacts/services.py", "x = 1\n" * 400),
    (rules.no_machine, "docs/a.md", f"Frameworks live at docs/{'work'}/ and https://example.org/{'root'}/\n"),
    (rules.nothing_left_open, "docs/a.md", "Plan a to-do app.\n"),
]


@pytest.mark.parametrize(("rule", "path", "source"), INNOCENT)
def test_what_is_allowed_is_left_alone(rule: Rule, path: str, source: str) -> None:
    assert list(rule(path, source)) == []


@isolate_apps("mozaiks.accounts")
def test_a_table_without_a_portable_key_or_an_app_is_found() -> None:
    class Counted(models.Model):
        class Meta:
            app_label = "accounts"

    class Homeless(models.Model):
        id: models.Field[Any, Any] = models.UUIDField(primary_key=True, default=uuid.uuid4, db_column="_id")

        class Meta:
            app_label = "accounts"

    class Elsewhere(models.Model):
        id: models.Field[Any, Any] = models.UUIDField(primary_key=True, default=uuid.uuid4)
        app: models.Field[Any, Any] = models.ForeignKey(App, on_delete=models.CASCADE, null=True)

        class Meta:
            app_label = "accounts"

    assert len(list(rules.portable_model(Counted))) == 3
    assert list(rules.portable_model(Homeless)) == [
        "accounts.Homeless: every tenant's table has a foreign key `app` to accounts.App."
    ]
    assert list(rules.portable_model(Elsewhere)) == [
        """accounts.Elsewhere: the primary key needs db_column="_id", not 'id'.""",
        "accounts.Elsewhere: `app` must not be null.",
    ]
