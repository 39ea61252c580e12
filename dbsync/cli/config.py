"""``dbsync config init|show|check``: make a config file, show what it says, check what it names."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from dbsync.cli.command import command, group
from dbsync.cli.config_check import Check, Saved, checks
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.terminal import escape
from dbsync.config import FILE_NAME, ConfiguredDatabase, ConfiguredSync, Settings
from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.quota import Quotas, told
from dbsync.references import shown

_TEMPLATE = """\
# dbsync.yaml: names for databases, and the syncs between them. Found from any directory below this one.
# Passwords belong into the environment, ~/.pgpass or a program (env:VAR, service=NAME, cmd:COMMAND), not in here.
version: 1

databases:
  prod: {url: "env:PROD_URL", environment: production, read_only: true}
  staging: {url: "env:STAGING_URL", environment: staging}

syncs:
  nightly:               # dbsync sync --name nightly
    source: prod
    target: staging
    delete: true
    tables: ["public.*"]
    schedule:            # dbsync schedule install nightly --format cron|systemd|github
      cron: "15 2 * * *"
      timezone: UTC
      timeout: 2h
"""


@command("init", report=True)
def init(context: Context) -> Answer:
    """Write a dbsync.yaml to begin with, here or where --config says; never over another one."""
    path = context.options.config or Path(FILE_NAME)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(_TEMPLATE)
    except FileExistsError:
        raise Refused(f"{path} is there already", code="FILE_EXISTS", hint="dbsync config show") from None
    except OSError as error:
        raise DbsyncError(f"cannot write {str(path)!r}: {error.strerror or error}", code="OUTPUT") from error
    return Answer(
        result={"path": str(path)},
        render={"text": lambda: f"{escape(str(path))} is written. Edit it, then: dbsync config check\n"},
    )


@command("show")
def show(context: Context) -> Answer:
    """Show what the config file says, its secrets masked."""
    settings = _found(context)
    document = _document(settings)
    return Answer(
        result={"path": str(settings.path), **document},
        render={
            "text": lambda: (
                f"# {escape(str(settings.path))}\n"
                + yaml.safe_dump(
                    {key: value for key, value in document.items() if value},
                    sort_keys=False,
                    allow_unicode=False,
                    default_flow_style=False,
                )
            )
        },
    )


@command("check", report=True)
def check(context: Context) -> Answer:
    """Check that every name in the config file leads somewhere, without connecting and without running anything."""
    settings = _found(context)
    found = checks(settings, Saved(context.look_up_saved, context.guarded_by_saved))
    return Answer(
        result={"path": str(settings.path), "checks": [each.to_dict() for each in found]},
        render={"text": lambda: (line for each in found for line in _lines(each))},
        exit_code=0 if all(each.ok for each in found) else 1,
    )


config_app = group("config", "The config file.", init, show, check)


def _found(context: Context) -> Settings:
    if context.settings.path is None:
        raise ConfigError("no dbsync.yaml was found from here upwards", hint="dbsync config init makes one")
    return context.settings


def _document(settings: Settings) -> dict[str, Any]:
    return {
        "project": settings.project or None,
        "databases": {name: _database(entry) for name, entry in settings.databases.items()},
        "syncs": {name: _sync(job) for name, job in settings.syncs.items()},
        "profiles": {name: _masked(profile.options) for name, profile in settings.profiles.items()},
        "store": {"url": shown(settings.store.reveal())} if settings.store is not None else None,
        "quotas": _quotas(settings.quotas),
    }


def _quotas(quotas: Quotas) -> dict[str, Any] | None:
    owners = {owner: told(quota) for owner, quota in quotas.owners.items()}
    return (told(quotas.everybody) | ({"owners": owners} if owners else {})) or None


def _database(entry: ConfiguredDatabase) -> dict[str, Any]:
    facts: dict[str, Any] = {"url": shown(entry.reference.reveal())} if entry.reference is not None else {}
    facts |= {name: "***" if name == "password" else value for name, value in entry.parameters.items()}
    facts |= {"environment": entry.environment} if entry.environment else {}
    return facts | {name: True for name in ("protected", "read_only") if getattr(entry, name)}


def _sync(job: ConfiguredSync) -> dict[str, Any]:
    given = {field.name: getattr(job, field.name) for field in fields(job) if field.name not in ("name", "line")}
    given |= {"source": shown(job.source), "target": shown(job.target)}
    given["heartbeat_url"] = job.heartbeat_url and job.heartbeat_url.reveal()
    given["schedule"] = job.schedule and {
        key: value for key, value in job.schedule.to_dict().items() if value is not None
    }
    return _masked({name: _plain(value) for name, value in given.items() if value not in (None, {}, ())})


def _masked(options: Any) -> dict[str, Any]:
    """What gives access is masked: the path of a heartbeat, the arguments of a command."""
    found = dict(options)
    for name, value in options.items():
        option = name.replace("-", "_")
        if option == "heartbeat_url":
            scheme, _, rest = str(value).partition("://")
            found[name] = f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/***" if rest else "***"
        elif option == "on_failure" and len(str(value).split()) > 1:
            found[name] = f"{str(value).split()[0]} ***"
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _lines(found: Check) -> list[str]:
    lines = [f"{'ok    ' if found.ok else 'FAILED'}  {found.kind:8} {escape(found.name)}: {escape(found.detail)}\n"]
    return lines + ([f"        hint: {escape(found.hint)}\n"] if found.hint else [])
