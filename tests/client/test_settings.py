from pathlib import Path

import pytest

from sentinel.client.settings import checked_url, find_settings
from sentinel.core.errors import UsageError


def written(home: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    file = home / ".config" / "sentinel" / "client.env"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(mode)
    return {"HOME": str(home)}


FILE = "SENTINEL_URL=https://lab:8443/\nSENTINEL_TOKEN=snt_file\nSENTINEL_CA=/ca.pem\n"


def test_from_the_environment(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path), "SENTINEL_URL": "https://a:1", "SENTINEL_TOKEN": "t", "SENTINEL_CA": "/c"}
    found = find_settings(given)
    assert (found.url, found.token, found.ca) == ("https://a:1", "t", "/c")
    assert "t'" not in repr(found)


def test_from_the_file(tmp_path: Path) -> None:
    found = find_settings(written(tmp_path, FILE))
    assert (found.url, found.token, found.ca) == ("https://lab:8443", "snt_file", "/ca.pem")


def test_a_token_goes_to_its_own_controller_only(tmp_path: Path) -> None:
    home = written(tmp_path, FILE)
    same = find_settings({**home, "SENTINEL_URL": "https://lab:8443"})
    assert (same.token, same.ca) == ("snt_file", "/ca.pem")
    with pytest.raises(UsageError, match="no token for https://evil:8443"):
        find_settings({**home, "SENTINEL_URL": "https://evil:8443"})
    assert find_settings({**home, "SENTINEL_TOKEN": "other"}).token == "other"


def test_elsewhere_by_xdg(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    found = find_settings({"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path / ".config")})
    assert found.url == "https://lab:8443"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match=r"others can read .*chmod 600") as caught:
        find_settings(written(tmp_path, FILE, mode))
    assert "snt_file" not in caught.value.message


def test_nothing_is_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_settings({"HOME": str(tmp_path)})
    for part in (
        "SENTINEL_URL",
        "SENTINEL_TOKEN",
        "SENTINEL_CA",
        "client.env",
        "sentinel login",
        "sentinel up",
    ):
        assert part in caught.value.message
    assert caught.value.exit_code == 2


def test_a_login_needs_no_token_yet(tmp_path: Path) -> None:
    home = written(tmp_path, "SENTINEL_URL=https://lab:8443\n")
    assert find_settings(home, needs_token=False).token is None
    with pytest.raises(UsageError, match="sentinel login"):
        find_settings(home)


def test_https_only() -> None:
    with pytest.raises(UsageError, match=r"https only; write https://127.0.0.1:8443"):
        checked_url("http://127.0.0.1:8443")
    with pytest.raises(UsageError, match="write it like"):
        checked_url("gpu-01:8443")
