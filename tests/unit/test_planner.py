"""The plan: what is tied together, how it is replaced, what is refused, each with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbsync.data.limits import columns_lost
from dbsync.data.options import DeleteLimit, SyncOptions, TableMap
from dbsync.data.plan import Counts
from dbsync.data.planner import plan_sync
from dbsync.data.rules import RULES
from dbsync.data.stream import copy_queries
from dbsync.data.units import select_units
from dbsync.errors import ConfigError, SchemaMismatch
from dbsync.model import Catalog, Column, ColumnType, ForeignKey, Table, TableName, Trigger, UniqueKey

INT = ColumnType(text="integer", oid=23, schema="pg_catalog", name="int4")
OWNER = frozenset({"OWNER", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"})


def name(text):
    return TableName.parse(text)


def table(text, *, refers=(), **facts):
    keys = tuple(
        ForeignKey(
            name=f"{text}_{parent}_fkey", table=name(text), columns=("id",), ref_table=name(parent), ref_columns=("id",),
            definition=f"FOREIGN KEY (id) REFERENCES public.{parent}(id)", deferrable=facts.pop("deferrable", False),
        )
        for parent in refers
    )  # fmt: skip
    columns = facts.pop("columns", (Column(name="id", position=1, type=INT, nullable=False),))
    return Table(name=name(text), oid=1, columns=columns, foreign_keys=keys, **({"privileges": OWNER} | facts))


def catalog(*tables, **facts):
    return Catalog(
        database="db", server_version="18.0", server_version_num=180000, encoding="UTF8", role="r",
        tables={one.name: one for one in tables}, **({"may_create_schema": True} | facts),
    )  # fmt: skip


def plan(source, target=None, *, filled=(), **options):
    target = source if target is None else target
    chosen = SyncOptions(**options)
    selection = select_units(source, target, chosen)
    return plan_sync(source, target, selection, chosen, filled={name(text): True for text in filled})


def groups(made):
    return sorted(sorted(task.target.name for task in group.tables) for group in made.groups)


def test_tables_tied_by_foreign_keys_are_one_transaction():
    both = catalog(table("a"), table("b", refers=["a"]), table("c"))
    made = plan(both)
    assert groups(made) == [["a", "b"], ["c"]]
    (tied,) = [group for group in made.groups if len(group.tables) == 2]
    assert [key.name for key in tied.foreign_keys] == ["b_a_fkey"]
    assert tied.lock_mode == "ACCESS EXCLUSIVE"


def test_an_empty_table_is_loaded_in_bulk_and_a_filled_one_compared():
    both = catalog(table("a"), table("b"))
    made = plan(both, filled=["b"])
    assert {task.target.name: task.strategy for task in made.tables} == {"a": "bulk", "b": "compare"}
    assert [group.method for group in made.groups] == ["load", "repair"]
    assert plan(both, filled=["b"], mode="replace").refusals == ()


def test_a_target_with_few_of_the_rows_is_replaced_where_deletes_are_allowed():
    source = catalog(table("a", row_estimate=50_000, size=8_000_000), table("b", row_estimate=50_000, size=8_000_000))
    target = catalog(table("a", row_estimate=900, size=160_000), table("b", row_estimate=40_000, size=6_000_000))
    both = {"filled": ["a", "b"], "delete": True}

    def strategies(**options):
        return {task.target.name: task.strategy for task in plan(source, target, **options).tables}

    assert strategies(**both) == {"a": "replace", "b": "compare"}
    assert strategies(**both, on_row_error="quarantine") == {"a": "compare", "b": "compare"}
    (task,) = [task for task in plan(source, target, **both).tables if task.target.name == "a"]
    assert task.reason == "the target holds about 900 of 50,000 rows: replacing costs less than comparing"
    # Not without --delete, with a limit on deletes (which only a comparison can keep) or with a filter.
    assert strategies(filled=["a", "b"]) == {"a": "compare", "b": "compare"}
    assert strategies(**both, max_delete=DeleteLimit(10, True)) == {"a": "compare", "b": "compare"}
    assert strategies(**both, where={"a": "id > 1"}) == {"a": "compare", "b": "compare"}


def test_a_referencing_table_outside_the_selection_is_refused_by_name():
    both = catalog(table("a"), table("child", refers=["a"]))
    made = plan(both, filled=["a"], mode="replace", tables=("a",))
    (refusal,) = made.refusals
    assert str(refusal) == "public.child refers to public.a by foreign key child_a_fkey but is not selected"
    assert (refusal.rule, refusal.table, refusal.name) == ("foreign_key_outside", name("child"), "child_a_fkey")


def test_rows_without_a_key_that_may_have_changed_are_not_replaced_where_the_target_has_columns_of_its_own():
    key = UniqueKey(name="a_pkey", columns=("id",), primary=True, not_null=True)
    columns = [Column(name=one, position=at, type=INT, default="0") for at, one in enumerate(("id", "v", "note"), 1)]
    source, target = (catalog(table("a", columns=tuple(columns[:count]), keys=(key,))) for count in (2, 3))
    options = {"filled": ["a"], "delete": True}

    def lost(made, inserted, deleted):
        assert made.refusals == ()  # only the rows can tell
        return columns_lost((task, Counts(inserted, 0, deleted)) for task in made.tables)

    without_key = plan(source, target, columns={"a": ("v",)}, **options)
    (refusal,) = lost(without_key, 1, 2)
    assert (refusal.rule, refusal.table) == ("columns_lost", name("a"))
    assert str(refusal).endswith("would be lost: note")  # the key that was left out is made anew
    assert lost(without_key, 0, 2) == lost(without_key, 2, 0) == []
    assert lost(plan(source, source, columns={"a": ("v",)}, **options), 1, 2) == []
    assert lost(plan(source, target, **options), 1, 2) == []


def test_a_reference_to_the_partitioned_root_counts_for_a_leaf():
    root = table("root", kind="partitioned", partition_key="RANGE (id)")
    leaf = table("leaf", partition_of=name("root"), partition_bound="DEFAULT")
    both = catalog(root, leaf, table("child", refers=["root"]))
    assert "child refers" in str(plan(both, filled=["leaf"], mode="replace", tables=("leaf",)).refusals[0])


def test_a_reference_to_the_partitioned_root_ties_the_leaves_that_were_chosen():
    root = table("root", kind="partitioned", partition_key="RANGE (id)")
    leaves = [table(one, partition_of=name("root"), partition_bound=f"FOR VALUES IN ('{one}')") for one in ("x", "y")]
    both = catalog(root, *leaves, table("child", refers=["root"]), table("apart"))
    for mode in ("replace", "delta"):
        for chosen in (("x", "child", "apart"), ("x", "y", "child", "apart")):
            planned = plan(both, filled=[*chosen], mode=mode, tables=chosen)
            tied = next(group for group in planned.groups if len(group.tables) > 1)
            assert sorted(task.target.name for task in tied.tables) == sorted({*chosen} - {"apart"})
            assert [key.table.name for key in tied.foreign_keys] == ["child"]
            assert planned.refusals == ()
            if mode == "delta":
                assert tied.tables[-1].target.name == "child"


def test_what_dropping_a_foreign_key_to_a_root_locks_is_locked_in_name_order():
    def leaf(text, **facts):
        return table(text, partition_of=name("root"), partition_bound=f"FOR VALUES IN ('{text}')", **facts)

    root = table("root", kind="partitioned", partition_key="RANGE (id)")
    theirs = leaf("w", privileges=frozenset({"SELECT"}))
    both = catalog(root, theirs, leaf("x"), leaf("y"), table("child", refers=["root"]))
    (group,) = plan(both, filled=["x"], mode="replace", tables=("x", "child")).groups
    assert [locked.name for locked in group.lock] == ["child", "root", "x", "y"]
    (group,) = plan(both, filled=["x"], tables=("x", "child")).groups  # a comparison drops none before it must
    assert [locked.name for locked in group.lock] == ["child", "x"]
    assert [locked.name for locked in group.key_lock] == ["child", "root", "x", "y"]


def test_a_leaf_whose_root_refers_comes_after_what_it_refers_to():
    root = table("root", kind="partitioned", partition_key="RANGE (id)", refers=["z_parent"])
    leaf = table("leaf", partition_of=name("root"), partition_bound="DEFAULT")
    both = catalog(root, leaf, table("z_parent"))
    (group,) = plan(both, filled=["leaf", "z_parent"], tables=("leaf", "z_parent")).groups
    assert [task.target.name for task in group.tables] == ["z_parent", "leaf"]
    assert [key.table.name for key in group.referring] == ["root"], "other partitions of it are not selected"


def test_an_empty_table_that_others_refer_to_is_not_truncated():
    both = catalog(table("a"), table("child", refers=["a"]))
    assert [group.clear for group in plan(both, tables=("a",)).groups] == ["keep"]


def test_a_filled_group_is_staged_where_a_schema_may_be_made():
    tables = (table("a"), table("b", refers=["a"]))
    assert plan(catalog(*tables), filled=["a"], mode="replace").groups[0].staged
    assert not plan(catalog(*tables, may_create_schema=False), filled=["a"], mode="replace").groups[0].staged
    assert not plan(catalog(*tables)).groups[0].staged


def test_without_ownership_rows_are_deleted_and_loaded_parents_first():
    rights = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
    tables = (table("child", refers=["parent"], privileges=rights), table("parent", privileges=rights))
    (group,) = plan(catalog(*tables), filled=["child", "parent"], mode="replace").groups
    assert (group.clear, group.foreign_keys, group.lock_mode) == ("delete", (), "SHARE ROW EXCLUSIVE")
    assert [task.target.name for task in group.tables] == ["parent", "child"]


def test_without_ownership_a_cycle_needs_deferrable_keys():
    rights = frozenset({"SELECT", "INSERT", "DELETE"})

    def cycle(deferrable):
        return catalog(
            table("a", refers=["b"], privileges=rights, deferrable=deferrable),
            table("b", refers=["a"], privileges=rights, deferrable=deferrable),
        )

    assert plan(cycle(True), filled=["a"], mode="replace").groups[0].deferred
    with pytest.raises(SchemaMismatch, match="on a cycle and not deferrable"):
        plan(cycle(False), filled=["a"], mode="replace")


def test_without_ownership_foreign_keys_that_cannot_be_put_aside_are_told():
    rights = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

    def told(**facts):
        options = {"mode": facts.pop("mode", "delta")}
        ring = (table("a", refers=["b"], **facts), table("b", refers=["a"], **facts))
        tables = (
            *ring,
            table("t", refers=["t"], **facts),
            table("leaf", refers=["root"], **facts),
            table("root", privileges=facts.get("privileges", OWNER)),
        )
        made = plan(catalog(*tables), filled=["a", "b", "t", "leaf", "root"], **options)
        return sorted(warning.split(", and")[0] for warning in made.warnings if "exit 6" in warning)

    on_cycle = [f"public.{one}: foreign key {one}_{other}_fkey is on a cycle" for one, other in ("ab", "ba")]
    assert told(privileges=rights) == [*on_cycle, "public.t: foreign key t_t_fkey refers to its own table"]
    assert told(privileges=rights, mode="append") == on_cycle
    assert told(privileges=rights, deferrable=True) == told() == []


def test_triggers_of_a_table_that_is_not_owned_need_keep():
    trigger = Trigger(name="audit", definition="")
    both = catalog(table("a", triggers=(trigger,), privileges=frozenset({"SELECT", "INSERT"})))
    with pytest.raises(SchemaMismatch, match="use --triggers keep"):
        plan(both)
    assert plan(both, triggers="keep").groups[0].triggers == ()


def test_before_15_only_a_superuser_switches_off_what_partitions_have_of_their_roots_triggers():
    def both(**facts):
        root = table(
            "root", kind="partitioned", partition_key="RANGE (id)", triggers=(Trigger(name="t", definition=""),)
        )
        clone = Trigger(name="t", definition="", clone=True)
        leaf = table("leaf", partition_of=name("root"), partition_bound="DEFAULT", triggers=(clone,))
        return replace(catalog(root, leaf), **facts)

    for mode in ("replace", "delta"):
        with pytest.raises(SchemaMismatch, match=r"public.leaf has triggers .* superuser .* --triggers keep$"):
            plan(both(server_version_num=140000), filled=["leaf"], mode=mode)
    assert plan(both(server_version_num=140000, is_superuser=True)).groups[0].triggers
    assert plan(both(server_version_num=150000)).groups[0].triggers
    assert plan(both(server_version_num=140000), triggers="keep").groups[0].triggers == ()


def test_only_triggers_that_fire_are_switched_off():
    off = table("a", triggers=(Trigger(name="t", definition="", state="disabled"),))
    assert plan(catalog(off)).groups[0].triggers == ()


def test_tables_are_one_transaction_where_kept_triggers_may_write_to_any_of_them():
    trigger = Trigger(name="note", definition="CREATE TRIGGER note ...")
    both = catalog(table("a", triggers=(trigger,)), table("b"))
    (group,) = plan(both, filled=["a", "b"], triggers="keep").groups
    assert group.fires
    assert "triggers that are kept" in group.reason
    assert len(plan(both, triggers="off").groups) == 2
    silent = catalog(table("a", triggers=(replace(trigger, state="replica"),)), table("b"))
    assert len(plan(silent, triggers="keep").groups) == 2


def test_every_problem_is_named_at_once():
    source = catalog(table("a"), table("b"), table("c", privileges=frozenset()))
    with pytest.raises(SchemaMismatch) as caught:
        plan(source, catalog(table("a", rls_active=True), table("c")))
    problems = " ".join(caught.value.details["problems"])
    assert all(
        word in problems for word in ("public.a: row-level security", "public.b does not exist", "may not SELECT")
    )


def test_the_hint_fits_the_problem_that_is_named():
    def hint(source, target=None):
        with pytest.raises(SchemaMismatch) as caught:
            plan(catalog(source), catalog(target) if target else None, filled=["a"])
        return caught.value.hint

    assert "migrate plan" in hint(table("a"), table("b"))
    assert hint(table("a", privileges=frozenset())).startswith("GRANT SELECT on it to the source role")
    assert "GRANT what is missing" in hint(table("a"), table("a", privileges=frozenset({"SELECT"})))


def test_rows_that_may_be_updated_need_the_right_to_make_temporary_tables():
    column = Column(name="id", position=1, type=INT, nullable=False)
    keyed = table(
        "a", columns=(column,), keys=(UniqueKey(name="a_pkey", columns=("id",), primary=True, not_null=True),)
    )
    source, target = catalog(keyed), catalog(keyed, may_create_temporary=False)
    with pytest.raises(SchemaMismatch, match="temporary tables") as caught:
        plan(source, target, filled=["a"])
    assert caught.value.hint == RULES["temporary_tables"].recommendation
    for allowed in ({"mode": "append"}, {"mode": "replace"}):
        assert plan(source, target, filled=["a"], **allowed).tables
    assert plan(source, target).tables, "an empty table is loaded"


def test_large_tables_are_read_in_ranges_when_several_may_read():
    big = catalog(table("a", pages=100_000, size=800_000_000))
    assert plan(big).tables[0].pages_per_range == 8192
    assert plan(big, jobs=1).tables[0].pages_per_range == 0
    old = replace(big, server_version_num=130000)
    assert plan(old).tables[0].pages_per_range == 0


def test_only_several_readers_read_in_ranges_and_one_reads_the_table_itself():
    def asked(task, readers):
        return [query.as_string(None) for query in copy_queries(task, readers=readers)]

    (big,) = plan(catalog(table("a", pages=20_000, size=160_000_000))).tables
    assert asked(big, 1) == ['COPY "public"."a" ("id") TO STDOUT (FORMAT binary)']
    first, second, last = asked(big, 2)
    assert "ctid >= '(0,0)'" in first
    assert "ctid < '(8192,0)'" in first
    assert "ctid >= '(8192,0)'" in second
    assert "ctid >= '(16384,0)'" in last
    assert "ctid <" not in last
    (some,) = asked(replace(big, where="id > 1"), 1)
    assert some.startswith('COPY (SELECT "id" FROM ONLY "public"."a" WHERE (id > 1')
    (root,) = asked(replace(big, source_only=False), 1)
    assert root.startswith('COPY (SELECT "id" FROM "public"."a")')


def test_partitions_alike_go_leaf_by_leaf_and_others_through_the_root():
    def parted(bound):
        return catalog(
            table("root", kind="partitioned", partition_key="RANGE (id)"),
            table("p1", partition_of=name("root"), partition_bound=bound),
            table("p2", partition_of=name("root"), partition_bound="DEFAULT"),
        )

    assert groups(plan(parted("FROM 1 TO 2"))) == [["p1", "p2"]]
    assert groups(plan(parted("FROM 1 TO 2"), parted("FROM 1 TO 3"))) == [["root"]]


def test_ranges_of_texts_that_sort_otherwise_are_routed_through_the_root():
    def parted(*sorted_by, **facts):
        key = {"kind": "partitioned", "partition_key": "RANGE (id)", "partition_sorted_by": sorted_by}
        leaf = table("leaf", partition_of=name("root"), partition_bound="FOR VALUES FROM ('a') TO ('b')")
        return replace(catalog(table("root", **key), leaf), **facts)

    for other in (parted("C"), parted("default"), parted("default", sorts_by="C")):
        assert [task.target.name for task in plan(parted("C"), other).tables] == ["leaf"]
    numbers = plan(parted(encoding="WIN1252"), parted())
    assert [task.target.name for task in numbers.tables] == ["leaf"]
    english = plan(parted("default", sorts_by="i en-US"), parted("default"))
    encoded = plan(parted("C", encoding="WIN1252"), parted("C"))
    assert [task.target.name for made in (english, encoded) for task in made.tables] == ["root", "root"]
    assert "texts sort otherwise in another encoding: rows are routed" in encoded.tables[0].reason
    (task,) = plan(parted("i en-US"), parted("C")).tables
    assert (task.target.name, task.source_only, task.target_only) == ("root", False, False)
    assert "texts sort otherwise: rows are routed through the root" in task.reason


def test_excluding_a_partitioned_table_excludes_its_partitions():
    both = catalog(
        table("root", kind="partitioned", partition_key="RANGE (id)"),
        table("p1", partition_of=name("root"), partition_bound="DEFAULT"),
        table("other"),
    )
    assert groups(plan(both, exclude=("root",))) == [["other"]]


def test_a_map_is_read_at_the_first_equals_sign_outside_quotes():
    rule = TableMap.parse('public."a=b"="Odd=Schema"."c=""d"')
    assert rule.apply(TableName("public", "a=b")) == TableName("Odd=Schema", 'c="d')
    for text in ('public."a=b"', "public.a", "public.a=", "=public.a"):
        with pytest.raises(ConfigError, match="cannot read --map"):
            TableMap.parse(text)


def test_maps_that_collide_or_match_nothing_are_usage_errors():
    both = catalog(table("a"), table("b"))
    with pytest.raises(ConfigError, match="would both be written to public.b"):
        plan(both, maps=(TableMap.parse("public.a=public.b"),))
    with pytest.raises(ConfigError, match="no table of the source is public.x"):
        plan(both, maps=(TableMap.parse("public.x=public.b"),))


def test_large_objects_are_listed_and_columns_that_may_point_to_them_refused():
    oid = replace(INT, text="oid", name="oid", oid=26)
    plain, pointing = table("a"), table("b", columns=(Column(name="o", position=1, type=oid),))
    source = catalog(plain, pointing, large_objects=3)
    assert [one.table for one in plan(source, exclude=("b",)).skipped if "large" in one.table] == ["(large objects)"]
    with pytest.raises(SchemaMismatch, match="may point to one of the source's 3 large objects"):
        plan(source)


def test_a_table_whose_partitions_are_all_excluded_is_left_alone():
    both = catalog(
        table("root", kind="partitioned", partition_key="RANGE (id)"),
        table("root_1", partition_of=name("root"), partition_bound="DEFAULT"),
        table("other"),
    )
    made = plan(both, exclude=("root_*",), filled=["root_1"], mode="replace")
    assert groups(made) == [["other"]]
    assert ("public.root", "all its partitions are excluded") in [(one.table, one.reason) for one in made.skipped]


def test_a_table_and_a_partition_of_another_may_not_share_a_target():
    source = catalog(table("p"), table("p_1"))
    target = catalog(
        table("p", kind="partitioned", partition_key="RANGE (id)"),
        table("p_1", partition_of=name("p"), partition_bound="DEFAULT"),
    )
    with pytest.raises(SchemaMismatch, match="would both be written to public.p_1"):
        plan(source, target)


def test_keys_to_a_root_of_others_are_not_put_aside():
    """Dropping it and adding it again takes rights on the root, of which only a leaf is chosen."""
    rights = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
    root = table("root", kind="partitioned", partition_key="RANGE (id)", privileges=rights)
    leaf = table("leaf", partition_of=name("root"), partition_bound="DEFAULT")
    both = catalog(root, leaf, table("child", refers=["root"]))
    (group,) = plan(both, filled=["leaf", "child"], mode="replace", tables=("leaf", "child")).groups
    assert (group.clear, group.foreign_keys) == ("delete", ())
    assert [task.target.name for task in group.tables] == ["leaf", "child"]
    (group,) = plan(both, filled=["leaf", "child"], tables=("leaf", "child")).groups
    assert not group.droppable
