"""The dashboard's files: who gets which, how long they are kept, and that nothing else is ever given away."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.api.dashboard_place import FOLDER_VARIABLE, dashboard_folder
from sentinel.api.state import ApiSettings

PAGE = b'<!doctype html><div id="root"></div><script type="module" src="/assets/app-1a2b.js"></script>'
SCRIPT = b"export const answer = 42;\n" * 100
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
GZIP = {"accept-encoding": "br, gzip"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build, and secrets beside it."""
    built = tmp_path / "built"
    (built / "assets" / "fonts").mkdir(parents=True)
    (built / "index.html").write_bytes(PAGE)
    (built / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (built / "assets" / "fonts" / "mono.woff2").write_bytes(b"wOF2")
    (built / "assets" / "app-1a2b.js.map").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (built / "assets" / "away.txt").symlink_to(tmp_path / "secret.txt")
    return built


@pytest.fixture
def api(folder: Path) -> Iterator[Api]:
    with Api(settings=ApiSettings(dashboard=folder)) as api:
        yield api


def get(api: Api, path: str, headers: dict[str, str] | None = None) -> Answer:
    return api.ask("GET", path, headers=headers)


# ------------------------------------------------------------------ the page


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nodes",
        "/nodes/gpu-07",
        "/gpus/GPU-1",
        "/jobs/4k2m?tab=logs&x=1&x=2",
        "/apiary",
        "/documents",
        "/%00",
    ],
)
def test_a_browser_gets_the_page_at_every_address(api: Api, path: str) -> None:
    answer = get(api, path, HTML)
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("headers", [{}, {"accept": "*/*"}, {"accept": "application/json, */*"}])
def test_at_the_root_everybody_gets_it(api: Api, headers: dict[str, str]) -> None:
    assert get(api, "/", headers).body == PAGE


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/nodes", {}),
        ("/nodes", {"accept": "application/json"}),
        ("/nodes", {"accept": "*/*"}),
        ("/", {"accept": "application/json"}),
        ("/api", HTML),
        (f"{V1}/nothing", HTML),
        ("/docs/more", HTML),
        ("/assets", HTML),
        ("/assets/", HTML),
        ("/metrics/x", HTML),
    ],
)
def test_whoever_asks_for_something_else_is_told_that_it_is_not_there(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    answer = get(api, path, headers)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(("path", "status"), [("/docs", 200), ("/openapi.json", 200), ("/metrics", 401)])
def test_what_was_there_before_stays_there(api: Api, path: str, status: int) -> None:
    answer = get(api, path, HTML)
    assert (answer.status, answer.body == PAGE) == (status, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_page_is_only_read(api: Api, method: str) -> None:
    assert api.ask(method, "/nodes", headers=HTML).status == 404
    assert api.ask(method, "/assets/app-1a2b.js", headers=HTML).status == 405
    allowed = api.ask("PUT", f"{V1}/users", headers=HTML).headers["allow"]
    assert allowed == "GET, POST"


def test_the_page_may_do_nothing_but_what_it_needs(api: Api) -> None:
    policy = get(api, "/", HTML).headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "connect-src", "font-src")} == {"'self'"}
    assert (rules["frame-ancestors"], rules["base-uri"], rules["form-action"]) == (
        "'none'",
        "'none'",
        "'self'",
    )
    # No text of anybody's becomes markup, whatever a library does.
    assert (rules["require-trusted-types-for"], rules["trusted-types"]) == ("'script'", "'none'")
    assert "unsafe" not in policy and "http" not in policy


def test_a_page_that_is_the_same_is_not_sent_again(api: Api) -> None:
    tag = get(api, "/", HTML).headers["etag"]
    again = get(api, "/", HTML | {"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")
    assert get(api, "/", HTML | {"if-none-match": '"other"'}).status == 200


# ------------------------------------------------------------------ assets


def test_assets_are_kept_for_ever(api: Api) -> None:
    answer = get(api, "/assets/app-1a2b.js")
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    font = get(api, "/assets/fonts/mono.woff2")
    assert (font.body, font.headers["content-type"]) == (b"wOF2", "font/woff2")


def test_whoever_takes_gzip_gets_it(api: Api) -> None:
    plain, packed = get(api, "/assets/app-1a2b.js"), get(api, "/assets/app-1a2b.js", GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == SCRIPT
    assert len(packed.body) < len(SCRIPT) / 10
    assert {plain.headers["vary"], packed.headers["vary"]} == {"Accept-Encoding"}
    assert plain.headers["etag"] != packed.headers["etag"]
    refused = get(api, "/assets/app-1a2b.js", {"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert "content-encoding" not in get(api, "/assets/fonts/mono.woff2", GZIP).headers


def test_what_the_build_packed_is_taken_as_it_is(api: Api, folder: Path) -> None:
    ready = gzip.compress(SCRIPT, mtime=7)
    (folder / "assets" / "app-1a2b.js.gz").write_bytes(ready)
    assert get(api, "/assets/app-1a2b.js", GZIP).body == ready
    assert get(api, "/assets/app-1a2b.js.gz").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "app-1a2b.js.map",
        "away.txt",
        "nothing.js",
        "../index.html",
        "../../secret.txt",
        "..%2f..%2fsecret.txt",
        "%2e%2e/%2e%2e/secret.txt",
        "....//secret.txt",
        "/etc/passwd",
        "fonts",
        "fonts/../app-1a2b.js",
        "app-1a2b.js%00",
    ],
)
def test_nothing_else_is_given_away(api: Api, path: str) -> None:
    answer = get(api, f"/assets/{path}", HTML)
    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    assert b"secret" not in answer.body and b"root:" not in answer.body


# ------------------------------------------------------------------ builds


def test_a_newer_build_is_found_a_second_later(api: Api, folder: Path) -> None:
    assert get(api, "/", HTML).body == PAGE
    (folder / "assets" / "app-3c4d.js").write_bytes(b"1")
    (folder / "index.html").write_bytes(b"newer")
    assert get(api, "/", HTML).body == PAGE
    api.clock.at += 1
    assert get(api, "/", HTML).body == b"newer"
    assert get(api, "/assets/app-3c4d.js").status == 200


def test_a_build_that_was_still_being_written_is_looked_at_again(api: Api, folder: Path) -> None:
    (folder / "assets" / "late-5e6f.js").write_bytes(b"half")
    assert get(api, "/assets/late-5e6f.js").body == b"half"
    (folder / "assets" / "late-5e6f.js").write_bytes(b"half and half")
    api.clock.at += 1
    assert get(api, "/assets/late-5e6f.js").body == b"half and half"


def test_where_nothing_was_built_it_is_said_what_to_do(api: Api, folder: Path) -> None:
    (folder / "index.html").rename(folder / "kept")
    answer = get(api, "/", HTML)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    text = answer.body.decode()
    assert "make dashboard" in text and 'href="/docs"' in text and 'id="root"' not in text
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert get(api, "/assets/app-1a2b.js").status == 404
    api.clock.at += 1
    (folder / "kept").rename(folder / "index.html")
    assert get(api, "/", HTML).status == 200


def test_a_folder_of_ones_own_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert dashboard_folder().name == "dashboard_files"
    monkeypatch.setitem(os.environ, FOLDER_VARIABLE, str(tmp_path))
    assert ApiSettings().dashboard == tmp_path
