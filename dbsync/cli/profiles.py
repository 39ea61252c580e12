"""The defaults that a config file's profile sets; read only when a command asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def profile_defaults(config: Path | str | None, profile: str | None) -> dict[str, Any]:
    """Return option name (with underscores) -> value of the chosen profile; {} without a profile."""
    return {}
