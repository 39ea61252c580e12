"""GitHub's workflow commands: one annotation a line, with whatever could end it or steer a terminal escaped."""

from __future__ import annotations

from typing import Literal

from dbsync.cli.terminal import escape

AnnotationLevel = Literal["error", "warning", "notice"]


def annotation(level: AnnotationLevel, message: str, *, title: str, file: str | None = None) -> str:
    """Return ``::level file=...,title=...::message`` with a newline; lines of the message stay lines of it."""
    properties = [("file", file)] if file is not None else []
    properties.append(("title", title))
    spelled = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{level} {spelled}::{_data(message)}\n"


def _data(text: str) -> str:
    harmless = escape(text, keep="\r\n")
    return harmless.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
