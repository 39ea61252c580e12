"""What every reply is wrapped in, and how a route declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Data = TypeVar("Data")


class Shape(BaseModel):
    """A JSON object in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Reply(Shape, Generic[Data]):
    """A success. ``message`` and ``error`` are for people; a failed statement is a reply with ``success`` false."""

    success: bool
    data: Data
    message: str | None = None
    error: str | None = None


class Paging(Shape):
    """Which part of a list it is."""

    total: int
    page: int
    limit: int
    offset: int
    has_more: bool


class Listing(Shape, Generic[Data]):
    """A part of a list."""

    success: Literal[True]
    data: list[Data]
    pagination: Paging


class Failure(BaseModel):
    """Any failure. Further members depend on what went wrong."""

    model_config = ConfigDict(extra="allow")

    success: Literal[False]
    error: str


def ok(data: Data, **more: Any) -> Reply[Data]:
    """A reply that is a success unless ``success`` is given."""
    return Reply[Data](**{"success": True, "data": data, **more})


def sent(shape: Shape, status: int = 200) -> Response:
    """The reply itself: large ones are not read through by the framework once more."""
    return Response(dumped(shape), status, media_type="application/json")


def dumped(shape: Shape) -> str:
    """The text of a reply."""
    return shape.model_dump_json(by_alias=True, exclude_unset=True)


def camel(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Names as they are on the wire."""
    return {to_camel(name): value for name, value in facts.items()}


def listing(data: list[Data], *, total: int, limit: int, offset: int) -> Listing[Data]:
    """A part of a list."""
    paging = Paging(
        total=total, page=offset // limit + 1, limit=limit, offset=offset, has_more=offset + len(data) < total
    )
    return Listing[Data](success=True, data=data, pagination=paging)


_SAID = {
    400: "What was asked cannot be done as it was asked", 401: "Not known", 403: "Not allowed", 404: "Not found",
    405: "Method not allowed", 408: "Too slow", 409: "It stands in the way of something else", 413: "Too large",
    415: "Not JSON", 422: "The databases do not fit", 429: "Too many requests",
    500: "A fault of this server", 503: "Not available now",
}  # fmt: skip
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": said} for status, said in _SAID.items()
}


def answers(reply: Any) -> dict[str, Any]:
    """The keywords of a route that answers with this shape, or fails like all others."""
    return {"response_model": reply, "response_model_exclude_unset": True, "responses": FAILURES}
