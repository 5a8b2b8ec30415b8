"""What the environment says, checked once: a wrong value is one sentence that names its variable."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dj_database_url

ROOT = Path(__file__).resolve().parent.parent


class ConfigError(Exception):
    """A setting that cannot be used; its text is one sentence for the person who starts the server."""


@dataclass(frozen=True)
class Limits:
    """The limits of PROTOCOL section 7, each a setting ``MOZAIKS_LIMIT_<NAME>``."""

    commands_per_second: int = 50
    command_burst: int = 200
    sockets_per_user: int = 40
    unfinished_runs_per_user: int = 200
    followed_chats: int = 50
    turns_per_run: int = 60
    tokens_per_run: int = 400_000
    tokens_per_user_day: int = 2_000_000
    queued_messages: int = 50
    logins_per_minute: int = 10


@dataclass(frozen=True)
class Config:
    """The whole environment of one process."""

    debug: bool
    secret_key: str
    data_dir: Path
    database: dict[str, Any]
    redis_url: str | None
    engine: str
    workflows_dirs: tuple[Path, ...]
    allowed_hosts: list[str]
    allowed_origins: list[str]
    limits: Limits = field(default_factory=Limits)

    @property
    def is_sqlite(self) -> bool:
        return bool(self.database["ENGINE"].endswith("sqlite3"))


def read_config(env: Mapping[str, str]) -> Config:
    """The configuration that ``env`` describes, or ``ConfigError``."""
    debug = _boolean(env, "DEBUG")
    data_dir = _data_dir(env)
    engine = env.get("MOZAIKS_ENGINE", "embedded")
    if engine not in ("embedded", "procrastinate"):
        raise ConfigError(f"MOZAIKS_ENGINE must be embedded or procrastinate, not {engine!r}.")
    redis_url = env.get("REDIS_URL") or None
    if redis_url and not redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("REDIS_URL must start with redis://, rediss:// or unix://.")
    database = _database(env, data_dir)
    if engine == "procrastinate":
        raise ConfigError(
            "MOZAIKS_ENGINE=procrastinate is not part of this release; use embedded, with one server process."
        )
    return Config(
        debug=debug,
        secret_key=_secret_key(env, data_dir, debug),
        data_dir=data_dir,
        database=database,
        redis_url=redis_url,
        engine=engine,
        workflows_dirs=_workflows_dirs(env),
        allowed_hosts=_list(env, "ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", "testserver"],
        allowed_origins=_origins(env),
        limits=_limits(env),
    )


def keep_secret_key(env: Mapping[str, str]) -> None:
    """Make a secret key in the data folder where neither it nor ``SECRET_KEY`` exists yet."""
    if env.get("SECRET_KEY"):
        return
    path = _data_dir(env) / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))


def _data_dir(env: Mapping[str, str]) -> Path:
    path = Path(env.get("MOZAIKS_DATA_DIR") or "var").expanduser()
    path = path if path.is_absolute() else ROOT / path
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"MOZAIKS_DATA_DIR {str(path)!r} cannot be made: {error.strerror}.") from None
    if not os.access(path, os.W_OK):
        raise ConfigError(f"MOZAIKS_DATA_DIR {str(path)!r} is not writable.")
    return path


def _secret_key(env: Mapping[str, str], data_dir: Path, debug: bool) -> str:
    if key := env.get("SECRET_KEY"):
        return key
    path = data_dir / "secret_key"
    if path.exists():
        return path.read_text().strip()
    if debug:
        return "debug-only-" + "0" * 50
    raise ConfigError("SECRET_KEY is missing: set it, run manage.py setup once, or set DEBUG=1 for development.")


def _database(env: Mapping[str, str], data_dir: Path) -> dict[str, Any]:
    url = env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'mozaiks.sqlite3'}"
    try:
        database: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, KeyError, dj_database_url.UnknownSchemeError):
        raise ConfigError(
            "DATABASE_URL must look like sqlite:///FILE or postgres://USER:PASSWORD@HOST:PORT/NAME."
        ) from None
    database["CONN_MAX_AGE"] = 0
    if database["ENGINE"].endswith("sqlite3"):
        if database["NAME"] in ("", ":memory:"):
            raise ConfigError("DATABASE_URL must name an SQLite file: an in-memory database is lost at every restart.")
        synchronous = env.get("MOZAIKS_SQLITE_SYNCHRONOUS", "FULL").upper()
        if synchronous not in ("NORMAL", "FULL"):
            raise ConfigError("MOZAIKS_SQLITE_SYNCHRONOUS must be FULL or NORMAL.")
        database["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA cache_size=-16000; "
            "PRAGMA temp_store=MEMORY;",
        }
        # A file for the tests too: the in-memory database locks under threads and ignores the timeout.
        database["TEST"] = {"NAME": str(data_dir / "test.sqlite3")}
    elif database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = {
            **database.get("OPTIONS", {}),
            "pool": {"min_size": 2, "max_size": 16, "timeout": 10},
            "connect_timeout": 3,
            "options": "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=20000 -c lock_timeout=10000",
        }
    else:
        raise ConfigError("DATABASE_URL must name SQLite or PostgreSQL.")
    return database


def _workflows_dirs(env: Mapping[str, str]) -> tuple[Path, ...]:
    paths = [Path(part).expanduser() for part in env.get("WORKFLOWS_DIRS", "").split(":") if part]
    for path in paths:
        if not path.is_dir():
            raise ConfigError(f"WORKFLOWS_DIRS names {str(path)!r}, which is not a folder.")
    return tuple(path.resolve() for path in paths)


def _origins(env: Mapping[str, str]) -> list[str]:
    origins = _list(env, "ALLOWED_ORIGINS")
    for origin in origins:
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or not rest or "/" in rest:
            raise ConfigError(f"ALLOWED_ORIGINS must list full origins like https://example.org, not {origin!r}.")
    return origins


def _limits(env: Mapping[str, str]) -> Limits:
    values = {}
    for name in Limits.__dataclass_fields__:
        variable = f"MOZAIKS_LIMIT_{name.upper()}"
        if raw := env.get(variable):
            if not raw.isdigit() or int(raw) < 1:
                raise ConfigError(f"{variable} must be a whole number of at least 1, not {raw!r}.")
            values[name] = int(raw)
    return Limits(**values)


def _list(env: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in env.get(name, "").split(",") if part.strip()]


def _boolean(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").lower()
    if value not in ("", "0", "1", "true", "false", "yes", "no"):
        raise ConfigError(f"{name} must be 0 or 1, not {value!r}.")
    return value in ("1", "true", "yes")
