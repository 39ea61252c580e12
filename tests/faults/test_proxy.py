"""The proxy breaks what it says it breaks: the fault tests mean nothing otherwise."""

from __future__ import annotations

import psycopg
import pytest

from tests.faults.proxy import Fate, Message, Proxy, pass_all

_COPY = "COPY (SELECT i FROM generate_series(1, 20000) i) TO STDOUT"


def _rows(url: str) -> int:
    with psycopg.connect(url) as connection, connection.cursor().copy(_COPY) as copy:
        return sum(1 for _ in copy)


def test_all_passes_and_is_counted(servers) -> None:
    with Proxy(servers.source.url()) as proxy:
        assert _rows(proxy.url) == 20000
        assert proxy.traffic.messages > 20000
        assert proxy.traffic.sent["server"] > 20000 * 6


@pytest.mark.parametrize("fate", [Fate.CUT, Fate.CUT_INSIDE, Fate.FINISH, Fate.LOSE])
def test_a_copy_is_broken_in_the_middle(fate: Fate, servers) -> None:
    def hook(message: Message) -> Fate:
        return fate if message.sender == "server" and message.number > 10000 else Fate.PASS

    with Proxy(servers.source.url()) as proxy:
        proxy.hook = hook
        with pytest.raises(psycopg.OperationalError):
            _rows(proxy.url)
        proxy.hook = pass_all
        assert _rows(proxy.url) == 20000


def test_the_reply_to_commit_is_lost_but_the_commit_took_place(servers) -> None:
    with Proxy(servers.source.url()) as proxy, psycopg.connect(proxy.url) as connection:
        connection.execute("CREATE TABLE committed ()")
        proxy.hook = lambda message: Fate.LOSE if message.commits else Fate.PASS
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
    with psycopg.connect(servers.source.url(), autocommit=True) as connection:
        connection.execute("DROP TABLE committed")


def test_one_bit_of_a_row_is_flipped(servers) -> None:
    def hook(message: Message) -> Fate:
        return Fate.FLIP if message.kind == b"d" and message.start.startswith(b"777\n") else Fate.PASS

    with Proxy(servers.source.url()) as proxy, psycopg.connect(proxy.url) as connection:
        proxy.hook = hook
        with connection.cursor().copy(_COPY) as copy:
            got = [bytes(row) for row in copy]
    right = [b"%d\n" % number for number in range(1, 20001)]
    wrong = [(mine, theirs) for mine, theirs in zip(right, got, strict=True) if mine != theirs]
    assert len(wrong) == 1
    assert sum((mine ^ theirs).bit_count() for mine, theirs in zip(*wrong[0], strict=True)) == 1


def test_refusing_and_cutting_all_links(servers) -> None:
    with Proxy(servers.source.url()) as proxy:
        with psycopg.connect(proxy.url, autocommit=True) as connection:
            proxy.cut()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        proxy.refusing = True
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(proxy.url)
