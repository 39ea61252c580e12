"""The page about the HTTP routes, written from what they declare: ``python -m dbsync.server.reference FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from dbsync import __version__
from dbsync.server.app import ROUTERS

_HEAD = """<!-- Written by `make docs`. Change the program, not this page. -->

# HTTP

`/openapi.json` of a running server says the same to machines, with every shape. How to start it and who may do what:
[serve over HTTP](../how-to/serve.md).

Successes are `{"success": true, "data": ...}`, failures `{"success": false, "error": "..."}` with a status of 4xx, or
5xx where the server itself is at fault. GET routes answer HEAD too. Names are in camel case; those with a * must be
given.
"""


def page() -> str:
    """The page as Markdown."""
    return "".join(_page(_document()))


def _document() -> dict[str, Any]:
    app = FastAPI(title="dbsync", version=__version__)
    for router in ROUTERS:
        app.include_router(router)
    return app.openapi()


def _page(document: dict[str, Any]) -> Iterator[str]:
    yield _HEAD
    tags: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    for tag in sorted(tags):
        yield f"\n## {tag.capitalize()}\n\n| route | takes | does |\n|---|---|---|\n"
        for method, path, operation in tags[tag]:
            takes = ", ".join(_taken(document, operation)) or " "
            yield f"| `{method} {path}` | {takes} | {_sentence(operation)} |\n"


def _sentence(operation: dict[str, Any]) -> str:
    return " ".join(operation["description"].split()).replace("``", "`")


def _taken(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """Names in the query and in the body; those that must be given are marked."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield f"`{parameter['name']}`" + ("*" if parameter.get("required") else "")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    shape = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    for name in shape["properties"]:
        yield f"`{name}`" + ("*" if name in shape.get("required", ()) else "")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
