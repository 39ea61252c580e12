"""How a migration plan is shown: the numbers first, hazards in words, and nothing of a name ever steers a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbsync.cli.render_plan import plan_github, plan_markdown, plan_text, proved, summary
from dbsync.schema.objects import Ref
from dbsync.schema.plan import Hazard, Proof, Statement
from tests.fixtures.annotations import read_annotations
from tests.fixtures.plans import EVIL, NOTE, ORDERS, PROVED, REWRITE, STATEMENTS, plan


def test_a_terminal_is_shown_the_whole_plan():
    text = "".join(plan_text(plan()))
    lines = text.splitlines()
    assert lines[0] == "+1 ~2 -1 · 3 need a look · proved"
    assert "      ! the values of public.orders.note are lost for good (--allow-hazard DELETES_DATA)" in lines
    assert "      · clients that still use the column fail" in lines
    assert lines.index("not planned, stays as it is") < lines.index("not compared") < len(lines) - 2
    assert lines[-1].endswith("; structure only: the values of public.orders.note are gone")
    statements = lines[: lines.index("not planned, stays as it is")]
    assert [line[:4].strip() for line in statements if line[:4].strip().isdigit()] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("render", [plan_text, plan_markdown, plan_github])
def test_names_steer_nothing(render):
    text = "".join(render(plan()))
    assert all(one == "\n" or one.isprintable() for one in text)
    assert "DROP TABLE t" in text


def test_annotations_say_what_needs_a_look():
    found = read_annotations("".join(plan_github(plan(proof=Proof(state="failed", failed_at=3, reason=EVIL)))))
    assert [(one.level, one.properties["title"]) for one in found] == [
        ("error", "not planned"), ("warning", "not compared"), ("error", "not proved"),
        ("warning", "statement 2: column public.orders.total"), ("warning", "statement 3: column public.orders.note"),
        ("notice", "dbsync migrate plan"),
    ]  # fmt: skip
    assert "statement 3 failed" in found[2].message


def test_the_first_line_says_how_it_stands():
    whole = plan(unplanned=(), not_compared=())
    assert (summary(whole), proved(whole)) == ("+1 ~2 -1 · 2 need a look · proved", True)
    for state, words in (("differs", "NOT proved"), ("failed", "FAILED on the shadow"), ("not run", "not proved")):
        other = replace(whole, proof=replace(PROVED, state=state))  # type: ignore[arg-type]  # one of its words
        assert (summary(other).rsplit(" · ")[-1], proved(other)) == (words, False)
    nothing = replace(whole, statements=())
    assert (summary(nothing), proved(nothing)) == ("nothing to do: the schemas are the same", True)
    assert summary(replace(plan(), statements=(), unplanned=())) == "nothing to do: nothing that was compared differs"
    left = replace(plan(), statements=())
    assert (summary(left), proved(left)) == ("nothing that can be planned · 1 needs a look", False)


def test_objects_are_counted_once_and_what_is_made_again_is_changed():
    def statement(action: str, ref: Ref) -> Statement:
        return Statement(sql="x", ref=ref, action=action)  # type: ignore[arg-type]  # one of three words

    view = Ref("view", "public", "v")
    made = [statement("drop", view), statement("create", view), statement("alter", view), statement("create", ORDERS),
            statement("alter", ORDERS), statement("drop", NOTE)]  # fmt: skip
    assert summary(plan(statements=tuple(made), unplanned=())).startswith("+1 ~1 -1 · ")
    by_others = [statement(action, Ref("statement", "", "by migra")) for action in ("create", "drop", "drop", "alter")]
    assert summary(plan(statements=tuple(by_others), unplanned=())).startswith("+1 ~1 -2 · ")


def test_a_lock_is_told_with_what_is_done_under_it():
    lock = Hazard(
        type="ACQUIRES_ACCESS_EXCLUSIVE_LOCK", message="blocks", object="public.orders", lock="AccessExclusiveLock"
    )
    elsewhere = replace(lock, object="public.other", message="blocks the other")
    one = replace(STATEMENTS[1], hazards=(lock, REWRITE, elsewhere))
    lines = "".join(plan_text(plan(statements=(one,)))).splitlines()
    assert [line.strip()[:12] for line in lines if line.startswith("      ")] == ["! rewrites p", "· blocks the"]
