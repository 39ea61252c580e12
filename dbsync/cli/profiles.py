"""The defaults that a config file's profile sets; read only when a command asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbsync.cli.options import FLAG_ONLY_OPTIONS
from dbsync.errors import ConfigError, DbsyncError

if TYPE_CHECKING:
    from dbsync.config import Settings
from dbsync.quantities import duration_text

_SYNC_OPTIONS = (
    "mode", "delete", "max_delete", "jobs", "chunk_size", "max_rate", "verify", "triggers", "drop_indexes", "on_locked",
    "on_drift", "on_row_error", "no_ledger", "full_compare", "create", "priority", "timeout", "summary_file",
    "metrics_file", "on_failure",
)  # fmt: skip
_NEVER = FLAG_ONLY_OPTIONS | {"--config", "--profile"}


def profile_defaults(config: Path | str | None, profile: str | None) -> Mapping[str, Any]:
    """Return option name (with underscores) -> value of the chosen profile; {} without a profile."""
    return {} if profile is None else _read(str(config) if config is not None else None, profile)


def sync_defaults(config: Path | str | None, name: str, *, scheduled: bool = False) -> Mapping[str, Any]:
    """Return option name (with underscores) -> value of a sync of the config file, as the command line has them.

    ``scheduled``: as its schedule runs it, with the schedule's time limit and overlap policy on top.
    """
    from dbsync.config import load_settings
    from dbsync.references import expand

    settings = load_settings(config)
    if name not in settings.syncs:
        return {}  # the command itself tells that there is no such sync
    job = settings.sync(name)
    values: dict[str, Any] = {
        "tables": job.tables,
        "exclude": job.exclude,
        "where": [f"{table}:{expression}" for table, expression in job.where.items()],
        "columns": [f"{table}:{','.join(map(_quoted, columns))}" for table, columns in job.columns.items()],
        "map": [f"{source}={target}" for source, target in job.map.items()],
        "cursor": [f"{table}:{_quoted(column)}" for table, column in job.cursor.items()],
        "heartbeat_url": expand(job.heartbeat_url.reveal()) if job.heartbeat_url is not None else None,
    }
    values |= {option: getattr(job, option) for option in _SYNC_OPTIONS}
    if scheduled and job.schedule is not None:
        values["on_locked"] = job.schedule.on_locked
        values["timeout"] = duration_text(job.schedule.timeout_s) if job.schedule.timeout_s else job.timeout
    return {option: value for option, value in values.items() if value not in (None, (), [])}


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def complete_database(incomplete: str) -> list[str]:
    """Return the databases of the nearest config file and the saved connections that begin so."""
    known = {name for name in _nearest_settings().databases if name.startswith(incomplete)}
    return sorted(known | set(complete_saved(incomplete)))


def complete_saved(incomplete: str) -> list[str]:
    """Return the saved connections that begin so; none where they cannot be read."""
    from dbsync.store import is_missing, store_place

    configured = _nearest_settings().store
    try:
        place = store_place(configured.reveal() if configured is not None else None)
        if is_missing(place):
            return []
        from dbsync.registry.lookup import open_saved  # it loads SQLAlchemy

        with open_saved(place) as saved:
            return [name for name in (saved.names() if saved else ()) if name.startswith(incomplete)]
    except DbsyncError:
        return []


def _nearest_settings() -> Settings:
    """What the nearest config file says; nothing where it cannot be read."""
    from dbsync.config import Settings, load_settings

    try:
        return load_settings()
    except DbsyncError:
        return Settings()


@cache
def _read(config: str | None, name: str) -> Mapping[str, Any]:
    from dbsync.config import load_settings  # loads yaml, which most calls do not need

    settings = load_settings(config)
    profile = settings.profile(name)
    known = _option_names()
    for option in profile.options:
        if option not in known:
            near = get_close_matches(option, known, n=1)
            raise ConfigError(
                f"{settings.path}, line {profile.lines[option]}: profiles.{name}.{option}: no command has this option",
                hint=f"did you mean {near[0]}?" if near else "dbsync COMMAND --help lists the options",
            )
    return profile.options


def _option_names() -> frozenset[str]:
    from dbsync.cli.main import root_command  # that module imports this one

    return frozenset(_walk(root_command()))


def _walk(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if parameter.param_type_name == "option" and not _NEVER & set(parameter.opts):
            yield max(parameter.opts, key=len).lstrip("-").replace("-", "_")
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from _walk(command.get_command(None, name))
