"""The page at /ui by its requests alone: who may see it, what a form must prove, what another owner finds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from dbsync.local import EphemeralServer
from dbsync.server.page.routes import PARTS
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.serving import SECRET, Served, environment, serving, token

STATIC = Path(__file__).parents[2] / "dbsync" / "server" / "page" / "static"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("page")
    with serving(home, env=environment(home, DBSYNC_HOST_NAMES="page.example")) as served:
        yield served


@pytest.fixture
def database(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as made:
        made.execute("CREATE TABLE one (id int PRIMARY KEY)")
        yield made


get = partial(httpx.get, timeout=60)
post = partial(httpx.post, timeout=60)


class Visitor:
    """A browser that follows no scripts: it keeps cookies, and sends a page's token with a form."""

    def __init__(self, served: Served) -> None:
        self.url = served.url
        self.client = httpx.Client(base_url=served.url, timeout=60)
        self.csrf = ""

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def sign_in(self, owner: str, *, secret: str = SECRET, bearer: str | None = None) -> httpx.Response:
        fields = {"secret": secret, "token": bearer or token(owner), "next": "/ui/jobs"}
        return self.post("/ui/sign-in", fields)

    def get(self, path: str) -> httpx.Response:
        reply = self.client.get(path)
        if found := re.search(r'name="csrf" value="(\w+)"', reply.text):
            self.csrf = found[1]
        return reply

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        data = {"csrf": self.csrf} | (fields or {})
        return self.client.post(path, data=data, headers={"Origin": self.url} | headers)


@pytest.fixture
def ann(server: Served) -> Iterator[Visitor]:
    with Visitor(server) as visitor:
        assert visitor.sign_in("ann").status_code == 303
        visitor.get("/ui/connections")
        yield visitor


def add(visitor: Visitor, database: Database, **more: str) -> str:
    """Save a connection and return its id."""
    name = f"{database.name} {time.time_ns()}"
    visitor.get("/ui/connections/new")
    assert visitor.post("/ui/connections/new", {"name": name, "url": database.url} | more).status_code == 303
    listed = visitor.get("/ui/connections").text
    pattern = rf'/ui/connections/([0-9a-f-]+)/test"[^>]*>(?:(?!</form>).)*{re.escape(name)}'
    found = re.search(pattern, listed, re.DOTALL)
    assert found
    return found[1]


class TestSignIn:
    def test_without_a_session_every_page_leads_to_the_form(self, server: Served) -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for path in ("/ui", "/ui/connections", "/ui/jobs?page=2", "/ui/audit", "/ui/nothing/here"):
                reply = client.get(path)
                assert reply.status_code == 303
                assert reply.headers["location"].startswith("/ui/sign-in?next=")
            assert client.post("/ui/connections/new", data={"name": "x"}).status_code == 303
            assert client.get("/api/connections", headers={"Cookie": "dbsync=anything"}).status_code == 401

    def test_the_session_is_a_cookie_that_no_script_and_no_other_site_sees(self, server: Served) -> None:
        with Visitor(server) as visitor:
            reply = visitor.sign_in("ann")
            assert (reply.status_code, reply.headers["location"]) == (303, "/ui/jobs")
            cookie = reply.headers["set-cookie"]
            assert re.fullmatch(r"dbsync=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=strict", cookie)
            assert visitor.get("/ui/jobs").status_code == 200

    def test_beyond_this_machine_the_cookie_goes_over_tls_only(self, server: Served) -> None:
        reply = post(
            f"{server.url}/ui/sign-in",
            data={"secret": SECRET, "token": token("ann")},
            headers={"Host": "page.example", "Origin": "http://page.example"},
        )
        assert reply.status_code == 303, reply.text
        assert reply.headers["set-cookie"].startswith("__Host-dbsync=")
        assert "; Secure" in reply.headers["set-cookie"]

    @pytest.mark.parametrize("more", [{"secret": "wrong"}, {"bearer": "wrong"}, {"bearer": token("ann", exp=1)}])
    def test_what_the_api_refuses_begins_no_session(self, server: Served, more: dict[str, str]) -> None:
        with Visitor(server) as visitor:
            reply = visitor.sign_in("ann", **more)
            assert reply.status_code == 401
            assert 'role="alert"' in reply.text
            assert "set-cookie" not in reply.headers
            assert token("ann") not in reply.text

    def test_a_form_of_another_site_signs_nobody_in(self, server: Served) -> None:
        fields = {"secret": SECRET, "token": token("ann")}
        for origin in ("https://evil.example", "null", f"{server.url}.evil.example"):
            reply = post(f"{server.url}/ui/sign-in", data=fields, headers={"Origin": origin})
            assert reply.status_code == 403
        assert post(f"{server.url}/ui/sign-in", data=fields).status_code == 403

    @pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/ui/\\evil", "/api/status", "/uix"])
    def test_signing_in_leads_nowhere_else(self, server: Served, to: str) -> None:
        with Visitor(server) as visitor:
            fields = {"secret": SECRET, "token": token("ann"), "next": to}
            assert visitor.post("/ui/sign-in", fields).headers["location"] == "/ui"

    def test_signing_out_ends_the_session_whoever_still_has_the_cookie(self, server: Served, ann: Visitor) -> None:
        kept = ann.client.cookies["dbsync"]
        assert ann.post("/ui/sign-out").status_code == 303
        reply = get(f"{server.url}/ui/jobs", headers={"Cookie": f"dbsync={kept}"})
        assert reply.status_code == 303

    def test_a_session_outlives_the_server_but_not_its_token(self, tmp_path: Path) -> None:
        env = environment(tmp_path)
        with serving(tmp_path, env=env) as served, Visitor(served) as visitor:
            visitor.sign_in("ann")
            held = {"Cookie": f"dbsync={visitor.client.cookies['dbsync']}"}
            with Visitor(served) as other:
                other.sign_in("bob", bearer=token("bob", exp=int(time.time()) - 6))  # clocks may differ by ten seconds
                short = {"Cookie": f"dbsync={other.client.cookies['dbsync']}"}
        with serving(tmp_path, env=env) as served:
            assert get(f"{served.url}/ui/jobs", headers=held).status_code == 200
            deadline = time.monotonic() + 20
            while get(f"{served.url}/ui/jobs", headers=short).status_code == 200:
                assert time.monotonic() < deadline
                time.sleep(0.5)

    def test_the_store_holds_neither_token_nor_cookie(self, server: Served) -> None:
        bearer = token("ann", more="x" * 20)
        with Visitor(server) as visitor:
            visitor.sign_in("ann", bearer=bearer)
            held = visitor.client.cookies["dbsync"]
        home = Path(f"/proc/{server.process.pid}/cwd").resolve()
        kept = b"".join(path.read_bytes() for path in home.glob("store.db*"))
        assert kept
        for secret in (bearer, held, SECRET):
            assert secret.encode() not in kept
            assert secret not in server.log()


class TestForms:
    CHANGING = (
        "/ui/sign-out", "/ui/connections/new", "/ui/connections/x/edit", "/ui/connections/x/remove",
        "/ui/connections/x/test", "/ui/syncs/preview", "/ui/syncs", "/ui/jobs/x/start", "/ui/jobs/x/remove",
    )  # fmt: skip

    def test_every_changing_route_is_looked_at(self) -> None:
        found = {
            "/ui" + route.path.replace("{id}", "x").replace("{order}", "start")
            for part in PARTS
            for route in part.router.routes
            if isinstance(route, APIRoute) and "POST" in (route.methods or ())
        }
        assert found == {*self.CHANGING, "/ui/sign-in"}

    @pytest.mark.parametrize("path", CHANGING)
    def test_a_change_needs_the_token_and_the_origin(self, ann: Visitor, path: str) -> None:
        assert ann.post(path, {"csrf": ""}).status_code == 403
        assert ann.post(path, {"csrf": "0" * 64}).status_code == 403
        for origin in ("https://evil.example", "null", ann.url + "0"):
            assert ann.post(path, Origin=origin).status_code == 403
        bare = ann.client.post(path, data={"csrf": ann.csrf})
        assert bare.status_code == 403

    def test_another_sessions_token_is_worth_nothing(self, server: Served, ann: Visitor) -> None:
        with Visitor(server) as bob:
            bob.sign_in("bob")
            bob.csrf = ann.csrf
            assert bob.post("/ui/sign-out").status_code == 403

    def test_without_sign_in_a_form_still_needs_both(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--auth", "none") as served, Visitor(served) as visitor:
            assert visitor.post("/ui/connections/new", {"name": "x", "url": "postgresql://a@b/c"}).status_code == 403
            visitor.get("/ui/connections/new")
            wrong = visitor.post("/ui/connections/new", {"name": "x"}, Origin="https://evil.example")
            assert wrong.status_code == 403
            assert visitor.post("/ui/connections/new", {"name": "x", "url": "postgresql://a@b/c"}).status_code == 303
            assert get(f"{served.url}/ui", headers={"Host": "evil.example"}).status_code == 400


class TestOwners:
    def test_another_owner_finds_nothing(self, server: Served, ann: Visitor, database: Database) -> None:
        mine = add(ann, database)
        assert ann.get(f"/ui/connections/{mine}/tables").status_code == 200
        with Visitor(server) as bob:
            bob.sign_in("bob")
            assert database.name not in bob.get("/ui/connections").text
            for path in ("tables", "rows?table=one", "edit", "remove"):
                assert bob.get(f"/ui/connections/{mine}/{path}").status_code == 404
            for path in ("test", "edit", "remove"):
                assert bob.post(f"/ui/connections/{mine}/{path}", {"name": "stolen"}).status_code == 404
            assert bob.get(f"/ui/syncs/new?source={mine}&target={mine}0").status_code == 404
            assert bob.get(f"/ui/schemas/compared?source={mine}&target={mine}0").status_code == 404
        assert ann.get(f"/ui/connections/{mine}/tables").status_code == 200

    def test_a_target_has_the_guards_of_other_connections_to_the_same_place(
        self, ann: Visitor, database: Database, pg_a: EphemeralServer
    ) -> None:
        with fresh_database(pg_a) as other:
            other.execute("CREATE TABLE item (id int PRIMARY KEY)")
            database.execute("CREATE TABLE IF NOT EXISTS item (id int PRIMARY KEY)")
            source, target = add(ann, other), add(ann, database)
            fields = {"source": source, "target": target, "table": json.dumps("public.item"), "mode": "delta"}
            free = ann.post("/ui/syncs/preview", fields)
            assert ('name="agreed"' in free.text, 'id="confirm"' in free.text) == (True, False), free.text
            add(ann, database, environment="production")
            held = ann.post("/ui/syncs/preview", fields)
            assert ('name="agreed"' in held.text, 'id="confirm"' in held.text) == (False, True), held.text

    def test_a_host_that_is_not_allowed_is_not_dialled(self, ann: Visitor) -> None:
        for host in ("10.0.0.1", "169.254.169.254", "localhost.evil.example"):
            reply = ann.post("/ui/connections/new", {"name": f"x {host}", "url": f"postgresql://u:hunter2@{host}/d"})
            assert reply.status_code == 400
            assert "hunter2" not in reply.text

    def test_tables_that_are_not_there_and_odd_questions_are_told_plainly(
        self, ann: Visitor, database: Database
    ) -> None:
        mine = add(ann, database)
        for path, status in (
            ("rows?table=nothing", 404), ("rows?table=one&page=0", 400), ("rows?table=one&search=%00", 400),
            ("rows?table=%22%3B%20drop", 400), ("rows", 400),
        ):  # fmt: skip
            reply = ann.get(f"/ui/connections/{mine}/{path}")
            assert reply.status_code == status, path
            assert reply.headers["content-type"].startswith("text/html")

    def test_what_was_done_is_in_the_audit_log_once(self, ann: Visitor, database: Database) -> None:
        mine = add(ann, database)
        ann.post(f"/ui/connections/{mine}/edit", {"name": "new name of it", "environment": "staging"})
        ann.post(f"/ui/connections/{mine}/edit", {"name": "a/b"})
        ann.post(f"/ui/connections/{mine}/remove")
        page = ann.get("/ui/audit").text
        rows = re.findall(r'<td class="data">(connections\.\w+)</td>\s*<td><span class="state \w+">(\w+)', page)
        assert rows[:4] == [
            ("connections.remove", "done"), ("connections.edit", "refused"), ("connections.edit", "done"),
            ("connections.add", "done"),
        ]  # fmt: skip


class TestStaticFiles:
    def test_they_are_those_that_the_readme_names(self) -> None:
        text = (STATIC / "README.md").read_text()
        hashes = dict(re.findall(r"^([0-9a-f]{64}) +(\S+)$", text, re.MULTILINE))
        scripts = {path.name: sha256(path.read_bytes()).hexdigest() for path in STATIC.glob("htmx*.js")}
        assert {name: digest for digest, name in hashes.items()} == scripts
        for name in scripts:
            assert "Zero" in (STATIC / name.replace(".min.js", ".LICENSE.txt")).read_text()

    def test_they_are_served_and_nothing_beside_them(self, server: Served) -> None:
        for name, kind in (
            ("page.css", "text/css"),
            ("page.js", "text/javascript"),
            ("htmx.min.js", "text/javascript"),
        ):
            reply = get(f"{server.url}/ui/static/{name}")
            assert reply.headers["content-type"].startswith(kind)
            assert reply.content == (STATIC / name).read_bytes()
        for name in ("README.md", "..%2Fvisit.py", "%2e%2e/visit.py"):
            assert get(f"{server.url}/ui/static/{name}").status_code in (303, 404)

    def test_no_template_has_a_script_or_a_style_in_it(self) -> None:
        for path in (STATIC.parent / "templates").glob("*.html"):
            text = unescape(path.read_text())
            assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|\|\s*safe\b|hx-on|hx-vals='?js", text), (
                path.name
            )
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), path.name
