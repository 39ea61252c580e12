"""Telling reads from writes by the words of a statement, before anything is sent."""

from __future__ import annotations

import pytest

from dbsync.errors import ConfigError, Refused
from dbsync.execute import ExecuteOptions, plan_script
from dbsync.statement_class import judge
from dbsync.statements_split import split_statements


def kind(text):
    (statement,) = split_statements(text)
    return judge(statement).kind


@pytest.mark.parametrize(
    "text",
    [
        "select 1", "SELECT * FROM t", "(select 1) union (select 2)", "values (1)", "table t", "show all",
        "with a as (select 1) select * from a", "with recursive a as (values (1)) table a", "explain select 1",
        "explain verbose select 1", "explain analyze select 1", "explain (analyze, buffers) select 1",
        "explain delete from t", "explain (costs off) update t set a = 1", "select 1 as into", "select t.into from t",
        "select 'insert into t'", 'select "into" from t', "/* insert */ select 1", "-- drop\nselect 1",
        "with a as materialized (select 1) select delete from a",
    ],
)  # fmt: skip
def test_reads(text):
    assert kind(text) == "read"


@pytest.mark.parametrize(
    "text",
    [
        "insert into t values (1)", "update t set a = 1", "delete from t", "merge into t using s on true", "truncate t",
        "drop table t", "create table t ()", "alter table t add a int", "select 1 into t", "select * INTO temp x from t",
        "with a as (delete from t returning 1) select * from a", "with a as (select 1) insert into t table a",
        "with a as not materialized (update t set a=1 returning a) table a", "with a (b) as (select 1) delete from t",
        "explain analyze delete from t", "explain (analyze) insert into t values (1)", "explain ( ANALYSE on ) delete from t",
        'explain ("analyze") delete from t', "explain create table x as select 1", "explain execute p", "do $$ begin end $$",
        "call p()", "copy t to '/tmp/x'", "copy t to program 'x'", "copy (select 1) to program 'x'", "lock table t",
        "set role x", "set session authorization x", "reset role", "load 'x'", "checkpoint", "notify x", "listen x",
        "prepare p as delete from t", "execute p", "deallocate p", "declare c cursor for select 1", "fetch c", "vacuum",
        "discard all", "refresh materialized view v", "comment on table t is 'x'", "grant select on t to x", "reindex table t",
        "set transaction read write", "security label on table t is 'x'", "import foreign schema x from server y into z",
    ],
)  # fmt: skip
def test_everything_else_is_a_write(text):
    assert kind(text) == "write"


@pytest.mark.parametrize(
    "text",
    ["begin", "START TRANSACTION", "commit", "commit and chain", "end", "rollback", "abort", "prepare transaction 'x'"],
)
def test_transaction_control_is_refused_in_every_mode(text):
    for options in (ExecuteOptions(), ExecuteOptions(write=True), ExecuteOptions(write=True, stepwise=True)):
        with pytest.raises(Refused, match="transaction control"):
            plan_script(f"select 1; {text}", options)


def test_savepoints_may_stand_in_one_written_transaction_only():
    text = "savepoint a; rollback to a; rollback to savepoint a; release a"
    assert len(plan_script(text, ExecuteOptions(write=True))) == 4
    for options in (ExecuteOptions(), ExecuteOptions(write=True, stepwise=True)):
        with pytest.raises(Refused, match="SAVEPOINT"):
            plan_script(text, options)


@pytest.mark.parametrize(
    "text",
    [
        "copy t to '/tmp/x'", "copy t to program 'x'", "copy t from program 'x'", "vacuum t", "load 'x'", "checkpoint",
        "create database x", "alter system set a = 1", "create index concurrently on t (a)", "select setval('s', 1)",
        "drop index concurrently i", "select dblink_exec('', '')", "do $$ begin perform pg_reload_conf(); end $$",
        "insert into t select pg_catalog.nextval('s')", 'select "pg_reload_conf"()', r'select U&"pg_reload\005fconf"()',
        "create function f() returns void language sql as 'select pg_switch_wal()'", "reindex table concurrently t",
        "do $$ begin copy t to program 'x'; end $$", "do $$ begin copy t from program 'x'; end $$",
        "do $$ begin copy (select a from t) to '/tmp/x'; end $$", "do 'begin copy t to ''/tmp/x''; end'",
        "do $$ begin execute 'copy t to program ''x' || ''''; end $$", "do $$ begin execute $x$ COPY t TO E'/tmp/x' $x$; end $$",
        "create function f() returns void language sql as $$ copy t to '/tmp/x' $$",
        "create procedure p() language plpgsql as $$ begin if true then copy t to program 'x'; end if; end $$",
    ],
)  # fmt: skip
def test_a_dry_run_refuses_what_a_rollback_does_not_undo(text):
    with pytest.raises(Refused, match="cannot be rolled back"):
        plan_script(text, ExecuteOptions(write=True, dry_run=True))


@pytest.mark.parametrize(
    "text", ["delete from t", "truncate t", "copy t from '/tmp/x'", "do $$ begin end $$", "create index on t (a)",
             "select 'pg_reload_conf()'", "insert into t values ('it''s setval(')",
             "do $$ begin copy t from '/tmp/x'; select copy from t into x; grant select on copy to bob; end $$",
             "do $$ begin perform 'a copy'; raise notice 'copy t to you'; end $$", "insert into t values ('copy t to ''x''')"],
)  # fmt: skip
def test_a_dry_run_takes_what_a_rollback_undoes(text):
    assert len(plan_script(text, ExecuteOptions(write=True, dry_run=True))) == 1


@pytest.mark.parametrize(
    ("text", "has_code"),
    [
        ("do $$ begin end $$", True), ("call p()", True), ("insert into t values ('execute')", False),
        ("create function f() returns void language plpgsql as $$ begin execute 'x'; end $$", True),
        ("create function f() returns int language sql as 'select 1'", False),
        ("create trigger t after insert on t execute function f()", False),
    ],
)  # fmt: skip
def test_code_is_told_whose_effects_its_text_does_not_tell(text, has_code):
    (statement,) = split_statements(text)
    assert judge(statement).has_code is has_code


@pytest.mark.parametrize(
    "head",
    ["", "/*EXPLAIN         SELECT 1 --*/", "-- EXPLAIN of the slow one\n", " /* explain */ ; \n-- EXPLAIN\n/* ü */ ",
     "EXPLAIN SELECT 2;", "\ufeff-- EXPLAIN \n"],
)  # fmt: skip
@pytest.mark.parametrize("explain", ["EXPLAIN ", "EXPLAIN ANALYZE /* EXPLAIN */ ", "EXPLAIN (VERBOSE, ANALYZE) -- x\n"])
def test_what_an_explain_is_about_is_what_it_would_run(head, explain):
    statement = split_statements(f"{head}{explain}SELECT f() -- EXPLAIN\n , 1")[-1]
    assert judge(statement).explained == "SELECT f() -- EXPLAIN\n , 1"


@pytest.mark.parametrize("options", [ExecuteOptions(), ExecuteOptions(write=True)])
@pytest.mark.parametrize("text", ["copy t from stdin", "copy t (a) TO STDOUT", "copy (select 'from stdin') to stdout"])
def test_copy_to_or_from_the_client_is_refused_by_name(text, options):
    with pytest.raises(Refused, match="COPY ... (FROM STDIN|TO STDOUT)"):
        plan_script(text, options)


def test_the_refusal_names_the_line_and_the_flag():
    with pytest.raises(Refused) as caught:
        plan_script("select 1;\n\ndelete from t", ExecuteOptions())
    assert caught.value.message == "line 3: DELETE is not a read"
    assert "--write" in (caught.value.hint or "")


def test_options_that_exclude_each_other_are_refused():
    with pytest.raises(ConfigError, match="--stepwise"):
        ExecuteOptions(stepwise=True)
    with pytest.raises(ConfigError, match="--dry-run"):
        ExecuteOptions(write=True, stepwise=True, dry_run=True)
    with pytest.raises(ConfigError, match="no SQL"):
        plan_script(" -- nothing\n ;", ExecuteOptions())
