"""URLs of stores: what is opened, and what is said of those that cannot be."""

import sys
from pathlib import Path

import pytest

from sentinel.core.errors import StoreUnavailable, UsageError
from sentinel.drivers.stores.opening import open_store, sqlite_url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "cannot be read"),
        ("controller.db", "cannot be read"),
        ("postgresql://ann:hunter2@db:port/queue", "cannot be read"),
        ("postgresql://ann:hunter2@127.0.0.1/queue?no_such_option=1", "no_such_option"),
        ("mysql://ann:hunter2@db/queue", "no store on mysql"),
        ("sqlite://", "four slashes"),
        ("sqlite:///relative.db", "four slashes"),
        ("sqlite:///:memory:", "four slashes"),
        ("sqlite:////tmp/x.db?mode=ro", "four slashes"),
        ("postgresql://ann:hunter2@db", "names no database"),
    ],
)
def test_a_url_that_names_no_store(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("where", ["[db/queue", "127.0.0.1:9/queue", "/queue?host=/nonexistent"])
def test_a_password_is_never_said(where: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"postgresql://ann:hunter2@{where}")
    assert "hunter2" not in str(caught.value)


def test_a_path_may_have_anything_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b#c%25é?x=1"
    folder.mkdir()
    open_store(sqlite_url(f"{folder}/controller.db")).close()
    assert (folder / "controller.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("missing", "url", "said"),
    [
        ("sqlalchemy.engine", "sqlite:////tmp/x.db", r"pip install 'sentinel-gpu\[server\]'"),
        ("psycopg", "postgresql://db/queue", r"pip install 'sentinel-gpu\[server,postgres\]'"),
    ],
)
def test_an_extra_that_is_missing_is_named(
    missing: str, url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("sentinel.drivers.stores.sql.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=said):
        open_store(url)
