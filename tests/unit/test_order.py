"""Foreign keys tie tables to groups and order them."""

from dbsync.data.order import parents_first, tied_groups


def test_tables_tied_through_others_form_one_group():
    assert tied_groups(["a", "b", "c", "d", "e"], [("a", "c"), ("c", "e")]) == [["a", "c", "e"], ["b"], ["d"]]


def test_a_self_reference_ties_nothing():
    assert tied_groups(["a", "b"], [("a", "a")]) == [["a"], ["b"]]


def test_parents_come_before_children():
    order, cyclic = parents_first(["item", "order", "customer"], [("item", "order"), ("order", "customer")])
    assert (order, cyclic) == (["customer", "order", "item"], [])


def test_a_self_reference_is_no_cycle():
    assert parents_first(["a"], [("a", "a")]) == (["a"], [])


def test_cycles_are_named_and_follow_the_rest():
    order, cyclic = parents_first(["a", "b", "c"], [("a", "b"), ("b", "a"), ("a", "c")])
    assert order == ["c", "a", "b"]
    assert cyclic == ["a", "b"]


def test_references_to_tables_outside_do_not_count():
    assert parents_first(["a"], [("a", "elsewhere")]) == (["a"], [])
