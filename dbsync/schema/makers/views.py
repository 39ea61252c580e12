"""Views and materialised views. A view that only gains columns at its end is replaced in place."""

from __future__ import annotations

from collections.abc import Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.attributes import ATTRIBUTES, attribute_steps
from dbsync.schema.objects import Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step


def _columns(view: SchemaObject, schema: Snapshot) -> list[tuple[str, str, str | None]]:
    columns = (made for made in schema.members(view.ref) if made.ref.kind == "column")
    return [(made.ref.sub, made.parts["type"], made.parts["collation"]) for made in columns]


def _options(options: list[str] | None) -> str:
    pairs = (option.partition("=") for option in options or ())
    words = [f"{key} = {literal(value)}" for key, _, value in pairs]
    return f" WITH ({', '.join(words)})" if words else ""


def _create(view: SchemaObject, *, replace: bool = False) -> str:
    where = name(view.ref.schema, view.ref.name)
    words = "CREATE OR REPLACE VIEW" if replace else "CREATE VIEW"
    return f"{words} {where}{_options(view.parts['options'])} AS\n{view.parts['definition'].rstrip(';')}"


def shell(view: SchemaObject, schema: Snapshot, action: Action) -> Step:
    """Return the step that gives a view its columns, or leaves it nothing else: it needs their types only."""
    listed = ",\n    ".join(
        f"NULL::{kind}{f' COLLATE {collation}' if collation else ''} AS {name(column)}"
        for column, kind, collation in _columns(view, schema)
    )
    words = "CREATE VIEW" if action == "create" else "CREATE OR REPLACE VIEW"
    return Step(f"{words} {name(view.ref.schema, view.ref.name)} AS\n SELECT {listed}", view.ref, action)


def filled(view: SchemaObject) -> Step:
    """Return the step that gives such a view its query."""
    return Step(_create(view, replace=True), view.ref, "create")


class _Views:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(_create(wanted), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP VIEW {name(present.ref.schema, present.ref.name)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if "definition" in parts:
            old, new = _columns(present, scene.target), _columns(wanted, scene.source)
            if new[: len(old)] != old:
                return Alteration(rebuild=True)
            # Options that are not named are gone after it, so that it changes both.
            return Alteration((Step(_create(wanted, replace=True), wanted.ref, "alter"),))
        steps = []
        if "options" in parts:
            start = f"ALTER VIEW {name(wanted.ref.schema, wanted.ref.name)}"
            old_options, new_options = (
                dict(o.partition("=")[::2] for o in made.parts["options"] or ()) for made in (present, wanted)
            )
            if gone := sorted(key for key in old_options if key not in new_options):
                steps.append(Step(f"{start} RESET ({', '.join(gone)})", wanted.ref, "alter"))
            fresh = [f"{k} = {literal(v)}" for k, v in sorted(new_options.items()) if old_options.get(k) != v]
            if fresh:
                steps.append(Step(f"{start} SET ({', '.join(fresh)})", wanted.ref, "alter"))
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - {"options", "definition"})))


class _MaterialisedViews:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        where = name(wanted.ref.schema, wanted.ref.name)
        method = f" USING {name(parts['access_method'])}" if parts["access_method"] not in (None, "heap") else ""
        place = f" TABLESPACE {name(parts['tablespace'])}" if parts["tablespace"] else ""
        words = f"CREATE MATERIALIZED VIEW {where}{method}{_options(parts['options'])}{place} AS\n"
        columns = [made for made in scene.source.members(wanted.ref) if made.ref.kind == "column"]
        later = [step for column in columns for step in _column_steps(column)]
        data = "" if _populated(wanted.ref, scene) else "\nWITH NO DATA"
        return [Step(f"{words}{parts['definition'].rstrip(';')}{data}", wanted.ref, "create"), *later]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP MATERIALIZED VIEW {name(present.ref.schema, present.ref.name)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if "definition" in parts:
            return Alteration(rebuild=True)
        start = f"ALTER MATERIALIZED VIEW {name(wanted.ref.schema, wanted.ref.name)}"
        sqls = []
        if "options" in parts:
            old, new = (dict(o.partition("=")[::2] for o in made.parts["options"] or ()) for made in (present, wanted))
            if gone := sorted(key for key in old if key not in new):
                sqls.append(f"{start} RESET ({', '.join(gone)})")
            if fresh := [f"{k} = {literal(v)}" for k, v in sorted(new.items()) if old.get(k) != v]:
                sqls.append(f"{start} SET ({', '.join(fresh)})")
        if "tablespace" in parts:
            sqls.append(f"{start} SET TABLESPACE {name(wanted.parts['tablespace'] or 'pg_default')}")
        if "access_method" in parts:
            return Alteration(rebuild=True)
        steps = tuple(Step(sql, wanted.ref, "alter") for sql in sqls)
        return Alteration(steps, unplanned=tuple(sorted(parts - {"options", "tablespace"})))


def _populated(ref: Ref, scene: Scene) -> bool:
    """Whether it is filled: as it is now, and a new one unless it reads one that is not."""
    present = scene.target.objects.get(ref)
    if present is not None and not present.parts["populated"]:
        return False
    return all(_populated(needed, scene) for needed in scene.source.needs.get(ref, ()) if needed.kind == "matview")


def _column_steps(column: SchemaObject) -> list[Step]:
    return attribute_steps(column, {key for key in ATTRIBUTES if column.parts.get(key) is not None}, "create")


MAKERS: dict[str, Maker] = {"view": _Views(), "matview": _MaterialisedViews()}
