"""The page at /ui in a real browser: a first sync, watched, paused, resumed; by keyboard; narrow; and hostile names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from dbsync.local import EphemeralServer
from tests.fixtures import oracle
from tests.fixtures.browser import Browser, browsing
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.serving import Served, environment, serving

TABLES = """
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, note text);
CREATE TABLE purchase (customer_id int REFERENCES customer, number int, at timestamptz, PRIMARY KEY (customer_id, number));
CREATE TABLE event (id int PRIMARY KEY, body text);
"""
ROWS = """
INSERT INTO customer SELECT n, 'customer' || n || '@example.test', repeat('x', n % 50) FROM generate_series(1, 500) n;
INSERT INTO purchase SELECT n, n, '2026-01-01' FROM generate_series(1, 500) n;
INSERT INTO event SELECT n, md5(n::text) FROM generate_series(1, 2000) n;
"""
OLDER = """
INSERT INTO customer SELECT n, 'old', repeat('x', n % 50) FROM generate_series(1, 20) n;
INSERT INTO customer VALUES (999, 'only here', NULL);
INSERT INTO event VALUES (1, 'old');
"""
# Each would run, or say so, where it is put into a page unescaped.
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg onload=alert(3)>",
    '"><script>alert(4)</script>',
    "'><img src=x onerror=alert(5)>",
    "<svg><script>alert(6)</script></svg>",
    "javascript:alert(7)",
    '" onmouseover="alert(8)',
    "' onfocus='alert(9)' autofocus='",
    "<iframe src=javascript:alert(10)>",
    "<body onload=alert(11)>",
    "<details open ontoggle=alert(12)>",
    "<input autofocus onfocus=alert(13)>",
    "<style>*{background:url(//x)}</style>",
    "<link rel=stylesheet href=//x/x.css>",
    "<meta http-equiv=refresh content=0>",
    "<base href=//evil.example/>",
    "<a href=javascript:alert(18)>x</a>",
    "<form action=//evil.example><button>",
    "<object data=javascript:alert(20)>",
    "<math><mi xlink:href=javascript:alert(21)>",
    "</title><script>alert(22)</script>",
    "</textarea><script>alert(23)</script>",
    "<!--><script>alert(24)</script>-->",
    "<div hx-get=/ui hx-trigger=load>",
    "<div hx-on::load=alert(26)>",
    "{{7*7}}{% for x in y %}",
    "${alert(28)}`+alert(28)+`",
    "&lt;script&gt;alert(29)&lt;/script&gt;",
    "a\u202eb\u2066\x1b[31m\r\n<script>alert(30)</script>",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("page")
    with serving(home, "--auth", "none", env=environment(home)) as served:
        yield served


@pytest.fixture(scope="module")
def driven(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser"), server.url) as browser:
        yield browser


@pytest.fixture
def browser(driven: Browser) -> Iterator[Browser]:
    """The browser, of which nothing is complained of before or after."""
    driven.open("/ui/jobs")
    driven.complaints()
    yield driven
    assert driven.complaints() == []


@pytest.fixture
def pair(pg_a: EphemeralServer, pg_b: EphemeralServer) -> Iterator[tuple[Database, Database]]:
    with fresh_database(pg_a) as source, fresh_database(pg_b) as target:
        source.execute(TABLES, ROWS)
        target.execute(TABLES, OLDER)
        yield source, target


def save(browser: Browser, name: str, url: str, environment: str = "Development") -> None:
    browser.open("/ui/connections/new")
    browser.one("#name").send_keys(name)
    browser.one("#url").send_keys(url)
    browser.pick("environment", environment)
    browser.press("Save")


def save_both(browser: Browser, pair: tuple[Database, Database], target: str = "Development") -> tuple[str, str]:
    names = f"from {pair[0].name} {time.time_ns()}", f"into {pair[1].name} {time.time_ns()}"
    save(browser, names[0], pair[0].url)
    save(browser, names[1], pair[1].url, target)
    return names


def preview(browser: Browser, names: tuple[str, str], *, delete: bool = True) -> None:
    """The steps of a new sync up to the preview."""
    browser.open("/ui/syncs/new")
    browser.pick("source", names[0])
    browser.pick("target", names[1])
    browser.press("Choose tables")
    if delete:
        browser.one("input[name=delete]").click()
    browser.press("Preview")


def start(browser: Browser) -> None:
    browser.one("input[name=agreed]").click()
    browser.press("Start the sync")


def state(browser: Browser) -> str:
    return browser.text("#sentence .state")


def share(browser: Browser) -> int:
    return int(browser.until(lambda: browser.one("#whole").get_attribute("value"), "there is a bar"))


def figures(browser: Browser) -> dict[str, str]:
    names, values = ([one.text for one in browser.all(f"#figures {tag}")] for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=False))


def works(browser: Browser, card: WebElement) -> None:
    browser.until(lambda: "Works." in card.text, "the test went well")


def test_the_whole_flow(browser: Browser, pair: tuple[Database, Database]) -> None:
    source, target = pair
    names = save_both(browser, pair)

    # Both answer.
    for name in names:
        card = next(one for one in browser.all(".card") if name in one.text)
        card.find_element("css selector", "button").click()
        works(browser, card)
    browser.picture("connections")

    # Tables and rows.
    next(one for one in browser.all("a") if browser.label(one) == f"Tables of {names[0]}").click()
    browser.until(lambda: "customer" in browser.text("main"), "tables")
    browser.press("customer")
    assert "Rows 1 to 50 of 500" in browser.text("#rows")
    browser.one("#search").send_keys("customer49")
    browser.until(lambda: "Rows 1 to 11 of 11" in browser.text("#rows"), "the search finds")
    browser.one("#search").clear()
    browser.open(browser.driver.current_url.partition("&")[0].removeprefix(browser.base) + "&sort=id&down=1")
    assert browser.text("#rows tbody tr td") == "500"
    browser.press("Next")
    assert browser.text("#rows tbody tr td") == "450"
    browser.picture("rows")

    # The preview counts, and writes nothing.
    before = oracle.take(target.url)
    preview(browser, names)
    rows = {row.text.split()[0]: row.text.split()[1:4] for row in browser.all("main tbody tr")}
    assert rows == {
        "customer": ["480", "20", "1"],
        "purchase": ["500", "0", "0"],
        "event": ["1,999", "1", "0"],
    }
    browser.picture("preview")
    assert oracle.all_changes(before, oracle.take(target.url)) == []

    # It runs; one table waits for a lock, so that there is time to see it move, and to pause.
    with psycopg.connect(target.url) as blocker:
        blocker.execute("LOCK TABLE event IN ROW EXCLUSIVE MODE")
        start(browser)
        seen = [share(browser)]

        def moves() -> bool:
            seen.append(share(browser))
            return len(browser.all("#progress li.done")) == 2

        browser.until(moves, "two tables are done")
        seen.append(share(browser))
        assert sorted(seen) == seen
        assert 0 == seen[0] < seen[-1] < 100
        assert state(browser) == "running"
        browser.until(lambda: "is done" in browser.text("#log"), "the log is told too")
        browser.picture("running")
        browser.press("Pause")
        browser.until(lambda: state(browser) == "paused", "it pauses")
        browser.button("Resume")
        assert target.value("SELECT count(*) FROM event") == 1
        assert target.value("SELECT count(*) FROM purchase") == 500
        browser.picture("paused")
    time.sleep(1)
    assert target.value("SELECT count(*) FROM event") == 1  # paused is paused
    browser.press("Resume")
    browser.until(lambda: state(browser) == "done", "it ends")

    # What it says of itself, and what is so.
    browser.until(lambda: figures(browser).get("Attempts") == "2", "the figures come by themselves")
    assert browser.all("#figures tbody tr")
    assert share(browser) == 100
    browser.picture("done")
    assert oracle.differences(source.url, target.url) == []
    browser.open("/ui/audit")
    done = [row.text for row in browser.all("tbody tr") if names[1] in row.text]
    assert [action for row in reversed(done) for action in ("jobs.start", "jobs.pause", "jobs.resume") if action in row] == [
        "jobs.start", "jobs.pause", "jobs.resume",
    ]  # fmt: skip


def test_a_production_target_needs_its_name(browser: Browser, pair: tuple[Database, Database]) -> None:
    names = save_both(browser, pair, "Production")
    preview(browser, names, delete=False)
    assert not browser.all("input[name=agreed]")
    browser.one("#confirm").send_keys("something else")
    browser.press("Start the sync")
    assert "must be typed exactly" in browser.text("main")
    assert browser.complaints() != []  # the reply was a 400
    browser.one("#confirm").send_keys(names[1])
    browser.press("Start the sync")
    browser.until(lambda: state(browser) == "done", "it ends")
    assert pair[1].value("SELECT count(*) FROM customer") == 501


def test_schemas_are_compared_and_the_plan_tells_its_hazards(browser: Browser, pair: tuple[Database, Database]) -> None:
    pair[1].execute("ALTER TABLE customer DROP COLUMN note; ALTER TABLE purchase ADD COLUMN extra int")
    names = save_both(browser, pair)
    browser.open("/ui/schemas")
    browser.pick("source", names[0])
    browser.pick("target", names[1])
    browser.press("Compare")
    page = browser.text("main")
    assert "column public.customer.note" in page
    assert "ALTER TABLE public.purchase DROP COLUMN extra" in page
    assert "Data is lost: the values of public.purchase.extra" in page
    assert "blocks reads and writes of public.purchase" in page
    assert "tried on a copy" in page
    browser.picture("compared")


def test_a_lost_connection_is_told_and_found_again(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Database, Database]
) -> None:
    source, target = pair
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        served = first.enter_context(serving(tmp_path, "--auth", "none"))
        browser = stack.enter_context(browsing(tmp_path_factory.mktemp("browser"), served.url))
        names = save_both(browser, pair)
        preview(browser, names)
        blocker = stack.enter_context(psycopg.connect(target.url))
        blocker.execute("LOCK TABLE event IN ROW EXCLUSIVE MODE")
        start(browser)
        browser.until(lambda: len(browser.all("#progress li.done")) == 2, "two tables are done")
        assert not browser.one("#lost").is_displayed()
        first.close()
        browser.until(lambda: browser.one("#lost").is_displayed(), "the page says that the connection is lost")
        browser.picture("lost")
        lines = [one.get_attribute("id") for one in browser.all("#log li")]
        port = served.url.rpartition(":")[2]
        stack.enter_context(serving(tmp_path, "--auth", "none", "--port", port))
        browser.until(lambda: not browser.one("#lost").is_displayed(), "the connection is back")
        blocker.rollback()
        browser.until(lambda: state(browser) == "done", "the page sees the end of it")
        after = [one.get_attribute("id") for one in browser.all("#log li")]
        assert after[: len(lines)] == lines
        assert after == [f"log-{number}" for number in sorted({int((one or "").partition("-")[2]) for one in after})]
    assert oracle.differences(source.url, target.url) == []


def test_hostile_text_does_nothing_wherever_it_stands(browser: Browser, pair: tuple[Database, Database]) -> None:
    source, target = pair
    label = sql.Identifier
    with psycopg.connect(source.url, autocommit=True) as here, psycopg.connect(target.url, autocommit=True) as there:
        for number, text in enumerate(HOSTILE):
            for connection in (here, there):
                connection.execute(
                    sql.SQL("CREATE TYPE {} AS ENUM ({}, 'z')").format(
                        label(f"e{number} {text}"[:60]), sql.Literal(text[:60])
                    )
                )
                connection.execute(
                    sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, {} text, kind {}, CONSTRAINT {} CHECK (id < {}))").format(
                        label(text), label(text), label(f"e{number} {text}"[:60]), label(f"c{number} {text}"[:60]),
                        sql.Literal(2 if connection is there else 100),
                    )
                )  # fmt: skip
            insert = sql.SQL("INSERT INTO {} VALUES (1, {}, {}), (2, {}, NULL)")  # the target refuses the second
            here.execute(insert.format(label(text), *map(sql.Literal, (text, text[:60], text))))
            there.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} int").format(label(text), label(f"{text}2"[:60])))
    names = save_both(browser, pair)
    refused = []
    for text in HOSTILE:  # as the name of a connection, of which most cannot be one
        browser.open("/ui/connections/new")
        browser.driver.execute_script("document.getElementById('name').value = arguments[0]", text)
        browser.one("#url").send_keys(source.url)
        browser.press("Save")
        refused.append(bool(browser.all("[role=alert]")))
        harmless(browser)
    assert sum(refused) > 20

    browser.open("/ui/connections")
    tables = next(one for one in browser.all("a") if browser.label(one) == f"Tables of {names[0]}")
    path = (tables.get_attribute("href") or "").removeprefix(browser.base)
    browser.open(path)
    links = [one.get_attribute("href") or "" for one in browser.all("tbody a")]
    shown = [one.text for one in browser.all("tbody a")]
    harmless(browser)
    assert len(links) == len(HOSTILE) + 3
    assert "<script>alert(1)</script>" in shown
    for number, (link, name) in enumerate(zip(links, shown, strict=True)):
        browser.driver.get(link)
        assert browser.text("h1") == name
        if number % 6 == 0:
            browser.driver.get(f"{link}&search=%3Cscript%3Ealert(1)%3C%2Fscript%3E&sort=%22%3E%3Cscript%3E")
        harmless(browser)
    browser.open(path.replace("/tables", "/rows") + "?table=%3Cscript%3Ealert(1)%3C/script%3E")
    cells = [one.text for one in browser.all("tbody td")]
    assert cells == ["1", HOSTILE[0], HOSTILE[0], "2", HOSTILE[0], "null"]

    browser.open("/ui/schemas")
    browser.pick("source", names[0])
    browser.pick("target", names[1])
    browser.press("Compare")
    assert HOSTILE[0] in browser.text("main")
    harmless(browser)
    preview(browser, names, delete=False)
    harmless(browser)
    assert HOSTILE[1] in browser.text("main")
    for one in browser.all("main details summary"):
        one.click()
    harmless(browser)
    start(browser)
    browser.until(lambda: state(browser) == "failed", "the target refuses rows")
    assert "alert(" in browser.text("#log")  # the constraint's name, or the table's
    harmless(browser)
    browser.driver.refresh()
    browser.open("/ui/audit")
    harmless(browser)
    browser.open("/ui")
    harmless(browser)


def harmless(browser: Browser) -> None:
    """Nothing of a page ran, was fetched from elsewhere, or was stopped by the policy on its way."""
    told = [line for line in browser.complaints() if "status of 4" not in line]  # a refused form is a 400
    assert told == []
    assert browser.driver.current_url.startswith(browser.base)
    assert (
        browser.driver.execute_script(
            "return document.querySelectorAll('main script, main iframe, main object, main base, main link, main meta,"
            " main style, main img, [onload], [onerror], [onfocus], [onmouseover], [ontoggle]').length"
        )
        == 0
    )


def test_the_first_sync_by_keyboard_alone(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Database, Database]
) -> None:
    with (
        serving(tmp_path, "--auth", "none") as served,
        browsing(tmp_path_factory.mktemp("browser"), served.url) as browser,
    ):
        browser.open("/ui")
        browser.picture("start")
        browser.tab_to("Skip to the content").send_keys(Keys.ENTER)
        for step, (name, database) in enumerate(zip(("one", "two"), pair, strict=True)):
            browser.open("/ui")
            browser.tab_to("Add the first connection" if step == 0 else "Add the second connection").send_keys(
                Keys.ENTER
            )
            browser.tab_to("Name").send_keys(name)
            browser.tab_to("Address").send_keys(database.url)
            browser.tab_to("What it is used for").send_keys("Dev")
            browser.tab_to("Save").send_keys(Keys.ENTER)
            assert name in browser.until(lambda: [one.text for one in browser.all(".card h2 bdi")], "it is saved")
        browser.tab_to("Test two").send_keys(Keys.SPACE)
        browser.until(lambda: "Works." in browser.text("main"), "the test went well")
        assert browser.one(".health").get_attribute("aria-live") == "polite"
        browser.tab_to("New sync").send_keys(Keys.ENTER)
        browser.tab_to("Copy from").send_keys("one")
        browser.tab_to("Copy into").send_keys("two")
        browser.tab_to("Choose tables").send_keys(Keys.ENTER)
        browser.one("input[name=delete]")
        browser.tab_to("Also remove rows").send_keys(Keys.SPACE)
        browser.tab_to("Preview").send_keys(Keys.ENTER)
        browser.one("input[name=agreed]")
        browser.tab_to("Yes, change the rows of two").send_keys(Keys.SPACE)
        browser.tab_to("Start the sync").send_keys(Keys.ENTER)
        browser.until(lambda: state(browser) == "done", "it ends")
        assert browser.one("#sentence").get_attribute("role") == "status"
        assert browser.complaints() == []
    assert oracle.differences(pair[0].url, pair[1].url) == []


@pytest.mark.parametrize("look", ["narrow", "dark"])
def test_narrow_and_dark(browser: Browser, pair: tuple[Database, Database], look: str) -> None:
    pair[1].execute("ALTER TABLE customer ADD COLUMN a_name_that_is_quite_long_for_a_column_of_a_small_table text")
    names = save_both(browser, pair)
    preview(browser, names)
    start(browser)
    browser.until(lambda: state(browser) == "done", "it ends")
    job = browser.driver.current_url.removeprefix(browser.base)
    browser.open("/ui/connections")
    tables = next(one for one in browser.all("a") if browser.label(one) == f"Tables of {names[1]}")
    path = (tables.get_attribute("href") or "").removeprefix(browser.base)
    ends = {name: next(one.get_attribute("value") for one in _options(browser) if name in one.text) for name in names}
    both = f"source={ends[names[0]]}&target={ends[names[1]]}"
    if look == "narrow":
        browser.narrow(360)
    else:
        browser.dark()
    try:
        for number, page in enumerate((
            "/ui", "/ui/connections", "/ui/connections/new", path, path.replace("/tables", "/rows?table=customer"),
            "/ui/schemas", f"/ui/schemas/compared?{both}", "/ui/syncs/new", f"/ui/syncs/new?{both}", "/ui/jobs", job,
            f"{job}/remove", "/ui/audit",
        )):  # fmt: skip
            browser.open(page)
            browser.picture(f"{look}-{number:02}")
            if look == "narrow":
                wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
                assert wide <= 360, f"{page} is {wide} wide"
            else:
                assert _contrast(browser) >= 4.5, page
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def _options(browser: Browser) -> list:
    browser.open("/ui/syncs/new")
    return browser.all("#source option")


def _contrast(browser: Browser) -> float:
    """The least contrast of any text with what is behind it, as WCAG counts it; the ground is dark."""
    least, ground = browser.driver.execute_script("""
        const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
        const part = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
        const behind = (one) => {
            for (; one; one = one.parentElement) {
                const found = rgb(getComputedStyle(one).backgroundColor);
                if (found.length === 3 || found[3] === 1) return found;
            }
            return [255, 255, 255];
        };
        let least = 21;
        for (const one of document.querySelectorAll("body *")) {
            const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
            if (!own || !one.getClientRects().length || one.closest("[hidden]")) continue;
            const a = light(rgb(getComputedStyle(one).color)), b = light(behind(one));
            least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
        }
        return [least, light(behind(document.body))];
    """)
    assert ground < 0.1, "the page is not dark"
    return float(least)
