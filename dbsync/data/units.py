"""PURE: the units of a sync: which source table goes to which target table, partitions by leaf or by root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dbsync.data.options import SyncOptions, option_for
from dbsync.data.problem import Problem
from dbsync.errors import ConfigError
from dbsync.model import BY_DEFAULT, Catalog, Table, TableName, quote_identifier
from dbsync.selection import TablePattern, select_tables


@dataclass(frozen=True, slots=True)
class Route:
    """Rows of one source relation to one target relation; ``*_only``: without what inherits from it."""

    source: TableName
    target: TableName
    source_only: bool = True
    target_only: bool = True


@dataclass(frozen=True, slots=True)
class Unit:
    """What is replaced as a whole: a table, or a partitioned table with all its partitions."""

    source: TableName
    target: TableName
    routes: tuple[Route, ...]
    note: str | None = None


_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "char", "json", "xml"})
_NO_ROWS = {
    "view": "a view holds no rows of its own",
    "matview": "a materialised view is refreshed where what it reads is written, not copied",
}
NOT_THERE = "not in the source"
EXCLUDED = "excluded by --exclude"
_ALL_EXCLUDED = "all its partitions are excluded"
RESERVED = "the schema dbsync is for dbsync's own tables: left alone"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A relation that is left out, and why."""

    table: str
    reason: str

    @property
    def wanted(self) -> bool:
        """Whether the user asked for it to be left out."""
        return self.reason.startswith(EXCLUDED) or self.reason == _ALL_EXCLUDED


@dataclass(frozen=True, slots=True)
class Selection:
    """The units to sync, what is left out, and what forbids the sync altogether."""

    units: tuple[Unit, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]


def select_units(source: Catalog, target: Catalog, options: SyncOptions, *, compared: bool = False) -> Selection:
    """Decide what is to be synchronised. Raises ConfigError for a pattern that matches nothing.

    Where the sides are only ``compared``, --tables may name tables that only the target has.
    """
    relations = {table.name for table in source.of_kind("table", "partitioned")}
    listed = {table.name for table in source.of_kind("foreign", "matview", "view")}
    theirs = _only_theirs(source, target, options) if compared else set()
    known = relations | listed | theirs | set(only_in(target, source, options))  # --exclude may name one of these
    chosen = set(select_tables(relations | listed | theirs, include=options.tables))
    chosen &= set(select_tables(known, exclude=options.exclude))
    left_out = relations - set(select_tables(relations, exclude=_those_matching(options.exclude, relations)))
    excluded = {
        family.name for name in left_out for family in family_of(source, name)
    }  # a root takes its partitions along
    chosen -= excluded
    for names in (options.where, options.columns, options.cursors):
        select_tables(relations, include=tuple(names), where="the tables of the source")
    _check_maps(options, relations)
    units: list[Unit] = []
    problems: list[Problem] = []
    foreign = {table.name for table in source.of_kind("foreign")}
    left_out |= foreign - set(select_tables(foreign, exclude=_those_matching(options.exclude, foreign)))
    skipped = [Skipped(str(name), EXCLUDED) for name in sorted(excluded | left_out & foreign)]
    for table in source.of_kind("table", "partitioned"):
        if table.name not in chosen:
            continue
        if any(above.name in chosen for above in ancestors_of(source, table)):
            continue  # comes with the table it is a partition of
        if table.extension is not None:
            skipped.append(Skipped(str(table.name), _extension_reason(source, table)))
            continue
        if options.mode == "cursor" and option_for(options.cursors, table.name, table.name) is None:
            skipped.append(Skipped(str(table.name), "no --cursor was given for it"))
            continue
        unit = _unit(source, target, table, options, excluded)
        if isinstance(unit, Skipped):
            skipped.append(unit)
        elif isinstance(unit, Problem):
            problems.append(unit)
        else:
            units.append(unit)
    _check_keyed(source, units, excluded, options)
    _check_columns(source, units, options)
    clashes = _clashes(target, units)
    if clashes and options.maps:
        raise ConfigError(next(iter(clashes.values())).message, hint="change --map or --exclude one")
    units = [unit for unit in units if unit.source not in clashes]
    problems += clashes.values()
    skipped += [
        Skipped(str(table.name), "a foreign table holds no rows of its own")
        for table in source.of_kind("foreign")
        if table.name in chosen
    ]
    if options.tables:
        named = [view for view in source.of_kind("view", "matview") if view.name in chosen]
        skipped += [Skipped(str(view.name), _NO_ROWS[view.kind]) for view in named]
    told = {entry.table for entry in skipped}
    skipped += [
        Skipped(str(name), why if why == EXCLUDED else f"{why}: left alone")
        for name, why in left_alone(source, target, units, options)
        if why != EXCLUDED or str(name) not in told
    ]
    if options.tables and not units and not problems and chosen.isdisjoint(theirs):
        reasons = "; ".join(f"{one.table}: {one.reason}" for one in skipped)
        raise ConfigError(f"--tables leaves nothing to synchronise: {reasons}")
    return Selection(tuple(units), tuple(skipped), tuple(problems))


def only_in(target: Catalog, source: Catalog, options: SyncOptions) -> Iterator[TableName]:
    """The target's relations that --exclude can name beside the source's: those that no table of the source goes to.

    Nor may the table that one is a partition of: what is excluded would be written all the same.
    """
    written = {options.target_name(table.name) for table in source.of_kind("table", "partitioned")}
    for table in target.tables.values():
        if table.kind == "matview" or written.isdisjoint({table.name, root_of(target, table).name}):
            yield table.name


def left_alone(
    source: Catalog, target: Catalog, units: Sequence[Unit], options: SyncOptions
) -> Iterator[tuple[TableName, str]]:
    """The target's tables that no row of the source can go to, of those that the options ask for, and why.

    Why is EXCLUDED for one that --exclude names.
    """
    patterns, excluded = (tuple(map(TablePattern.parse, texts)) for texts in (options.tables, options.exclude))
    known = {options.target_name(table.name) for table in source.of_kind("table", "partitioned")}
    others = {options.target_name(view.name): "view" for view in source.of_kind("view")}
    others |= {options.target_name(view.name): "materialised view" for view in source.of_kind("matview")}
    others |= {options.target_name(table.name): "foreign table" for table in source.of_kind("foreign")}
    written = {family.name for unit in units for family in family_of(target, unit.target)}
    read = {options.target_name(family.name) for unit in units for family in family_of(source, unit.source)}
    for table in target.of_kind("table", "partitioned"):
        if table.partition_of is not None or table.extension is not None:
            continue
        asked = {table.name, *options.source_names(table.name)}
        if table.name not in known:
            if patterns and not any(pattern.matches(name) for pattern in patterns for name in asked):
                continue
            if any(pattern.matches(name) for pattern in excluded for name in asked):
                yield table.name, EXCLUDED
            else:
                yield table.name, f"a {others[table.name]} in the source" if table.name in others else NOT_THERE
        elif table.name in read - written:
            yield table.name, "a partition in the source, whose rows go elsewhere, and here a table by itself"


def _only_theirs(source: Catalog, target: Catalog, options: SyncOptions) -> set[TableName]:
    """The target's tables that no row of the source can go to, by either side's names."""
    names = [name for name, _ in left_alone(source, target, (), replace(options, tables=(), exclude=()))]
    return {one for name in names for one in (name, *options.source_names(name))}


def ancestors_of(catalog: Catalog, table: Table) -> list[Table]:
    """The partitioned tables above a table, the nearest first."""
    found = []
    while table.partition_of is not None and table.partition_of in catalog.tables:
        table = catalog.tables[table.partition_of]
        found.append(table)
    return found


def root_of(catalog: Catalog, table: Table) -> Table:
    """The topmost partitioned ancestor of a table, or the table itself."""
    return [table, *ancestors_of(catalog, table)][-1]


def leaves_of(catalog: Catalog, root: Table) -> list[Table]:
    """The partitions below a root that hold rows, in name order."""
    return [table for table in _below(catalog, root) if table.kind != "partitioned"]


def family_of(catalog: Catalog, name: TableName) -> list[Table]:
    """A table and all partitions below it, inner nodes included."""
    table = catalog.tables[name]
    return [table, *_below(catalog, table)] if table.kind == "partitioned" else [table]


def _below(catalog: Catalog, root: Table) -> Iterator[Table]:
    children = children_index(catalog)
    waiting = [root.name]
    found = []
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.append(child)
            waiting.append(child.name)
    return iter(sorted(found, key=lambda table: table.name))


def children_index(catalog: Catalog) -> Mapping[TableName, list[Table]]:
    """Partitions by their parent."""
    index: dict[TableName, list[Table]] = {}
    for table in catalog.tables.values():
        if table.partition_of is not None:
            index.setdefault(table.partition_of, []).append(table)
    return index


def _unit(
    source: Catalog, target: Catalog, table: Table, options: SyncOptions, excluded: set[TableName]
) -> Unit | Skipped | Problem:
    name = options.target_name(table.name)
    other = target.tables.get(name)
    if other is None:
        return Problem("table_missing", f"{name} does not exist in the target", name)
    if other.kind not in ("table", "partitioned"):
        return Problem("table_kind", f"{name} is a {other.kind} in the target, not a table", name)
    if other.extension is not None:
        return Skipped(str(name), f"belongs to the extension {other.extension} in the target")
    if table.kind == "table" and other.kind == "table":
        return Unit(table.name, name, (Route(table.name, name),))
    return _partitioned_unit(source, target, table, other, options, excluded)


def _partitioned_unit(
    source: Catalog, target: Catalog, table: Table, other: Table, options: SyncOptions, excluded: set[TableName]
) -> Unit | Skipped | Problem:
    source_leaves = leaves_of(source, table) if table.kind == "partitioned" else []
    target_leaves = leaves_of(target, other) if other.kind == "partitioned" else []
    for catalog_leaf in (*source_leaves, *target_leaves):
        if catalog_leaf.kind == "foreign":
            return Skipped(str(table.name), f"its partition {catalog_leaf.name} is a foreign table")
    left_out = {leaf.name for leaf in source_leaves} & excluded
    left = {options.target_name(leaf.name): _layout(source, leaf) for leaf in source_leaves}
    right = {leaf.name: _layout(target, leaf) for leaf in target_leaves}
    apart = _hashed_apart(source, target, table)
    if apart is None and left == right:
        pairs = ((leaf, target.tables[options.target_name(leaf.name)]) for leaf in source_leaves)
        apart = next(filter(None, (_sorted_apart(source, target, *pair) for pair in pairs)), None)
    if table.kind == other.kind and left == right and apart is None:
        routes = tuple(
            Route(leaf.name, options.target_name(leaf.name)) for leaf in source_leaves if leaf.name not in left_out
        )
        if source_leaves and not routes:
            return Skipped(str(table.name), _ALL_EXCLUDED)
        return Unit(table.name, other.name, routes or (Route(table.name, other.name, False, False),))
    if left_out:
        said = f"partitions of {table.name} cannot be excluded: the target is partitioned otherwise"
        return Problem("partitions_excluded", said, other.name)
    route = Route(
        table.name, other.name, source_only=table.kind != "partitioned", target_only=other.kind != "partitioned"
    )
    return Unit(
        table.name,
        other.name,
        (route,),
        note=f"{apart or 'partition layouts differ'}: rows are routed through the root",
    )


def _hashed_apart(source: Catalog, target: Catalog, root: Table) -> str | None:
    """Why the same row may belong into another hash partition of an equal layout; None where it does not.

    An enum's hash is that of the oid of its label; of other types that users make nobody knows. A text's is that of
    its bytes in the server's encoding, or of what the server's version of ICU makes of it.
    """
    keys = [table for table in family_of(source, root.name) if (table.partition_key or "").startswith("HASH")]
    for table in keys:
        if "." in (table.partition_key or ""):  # an expression with a user's function or type
            return "hashes of a user's type differ between databases"
        for column in table.columns:
            if quote_identifier(column.name) not in (table.partition_key or ""):
                continue
            if column.type.schema != "pg_catalog":
                return "hashes of a user's type differ between databases"
            kind = column.type.element or column.type
            if kind.name in _TEXTS and source.encoding != target.encoding:
                return "hashes of texts differ between encodings"
            if not column.deterministic:
                return "hashes under this collation differ between versions of its library"
    return None


def _sorted_apart(source: Catalog, target: Catalog, leaf: Table, other: Table) -> str | None:
    """Why a row of a leaf may belong between other bounds of an equal layout; None where it does not."""
    mine, theirs = _orders(source, leaf), _orders(target, other)
    if mine != theirs:
        return "in its ranges texts sort otherwise"
    if any(mine) and source.encoding != target.encoding:
        return "in its ranges texts sort otherwise in another encoding"
    return None


def _check_maps(options: SyncOptions, relations: set[TableName]) -> None:
    for rule in options.maps:
        if all(rule.apply(name) is None for name in relations):
            raise ConfigError(f"--map {rule.source}={rule.target}: no table of the source is {rule.source}")


def _check_keyed(source: Catalog, units: list[Unit], excluded: set[TableName], options: SyncOptions) -> None:
    """What is said of a table must be said once, and of what is read by itself: else some of it would be forgotten."""
    for option, values in (("--where", options.where), ("--columns", options.columns), ("--cursor", options.cursors)):
        patterns = {text: TablePattern.parse(text) for text in values}
        for unit in units:
            read = {unit.source, *(route.source for route in unit.routes)}
            for table in sorted(read):
                told = [text for text, each in patterns.items() if each.matches(table) or each.matches(unit.source)]
                if len(told) > 1:
                    raise ConfigError(
                        f"{option} speaks of {table} twice: {told[0]!r} and {told[1]!r}",
                        hint="say it once; conditions are joined with AND",
                    )
            parts = {family.name for family in family_of(source, unit.source)} - read - excluded
            for text, pattern in patterns.items():
                part = next((name for name in sorted(parts) if pattern.matches(name)), None)
                if part is not None and not pattern.matches(unit.source):
                    raise ConfigError(
                        f"{option} {text!r}: {part} is a part of {unit.source} that is not read by itself",
                        hint=f"name {unit.source}",
                    )


def _check_columns(source: Catalog, units: list[Unit], options: SyncOptions) -> None:
    """A column that was named must be there: a typo must not narrow what is synchronised, nor look like a misfit."""
    cursors = {text: (column,) for text, column in options.cursors.items()}
    for option, values in (("--columns", options.columns), ("--cursor", cursors)):
        for unit in units:
            for table in (source.tables[route.source] for route in unit.routes):
                for name in option_for(values, table.name, unit.source) or ():
                    if table.column(name) is None:
                        raise ConfigError(
                            f"{option}: {table.name}: column {quote_identifier(name)} does not exist in the source",
                            hint="dbsync schema lists them",
                            code="NO_SUCH_COLUMN",
                        )


def _clashes(catalog: Catalog, units: list[Unit]) -> Mapping[TableName, Problem]:
    """Two tables into one (or into a partition of it) would each replace the other's rows: all but the first."""
    taken: dict[TableName, TableName] = {}
    found: dict[TableName, Problem] = {}
    for unit in units:
        for target in [family.name for family in family_of(catalog, unit.target)]:
            other = taken.setdefault(target, unit.source)
            if other != unit.source:
                said = f"{other} and {unit.source} would both be written to {target}"
                found.setdefault(unit.source, Problem("table_clash", said, target))
    return found


def _layout(catalog: Catalog, leaf: Table) -> tuple[tuple[str | None, str | None], ...]:
    """Bounds and partition keys from the leaf up to the root."""
    path = []
    table = leaf
    while table.partition_of is not None and table.partition_of in catalog.tables:
        parent = catalog.tables[table.partition_of]
        path.append((table.partition_bound, parent.partition_key))
        table = parent
    return tuple(path)


def _orders(catalog: Catalog, leaf: Table) -> list[list[str]]:
    """How the ranges above a leaf sort texts."""
    return [
        [catalog.sorts_by if each == BY_DEFAULT else each for each in table.partition_sorted_by]
        for table in ancestors_of(catalog, leaf)
    ]


def _those_matching(patterns: tuple[str, ...], relations: set[TableName]) -> tuple[str, ...]:
    """The patterns that name a table (others may name a view or a foreign table)."""
    parsed = [TablePattern.parse(text) for text in patterns]
    return tuple(pattern.text for pattern in parsed if any(map(pattern.matches, relations)))


def _extension_reason(catalog: Catalog, table: Table) -> str:
    if table.name in catalog.extension_config:
        return (
            f"configuration table of the extension {table.extension}: CREATE EXTENSION and the application own its rows"
        )
    return f"belongs to the extension {table.extension}"
