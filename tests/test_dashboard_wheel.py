"""What is built of this project has the dashboard in it, and serves it once installed. With the real Node.js.

Built from a copy of what git knows, so that nothing that lies about is in it; the packages of npm are the
checkout's own.
"""

import email
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MARK = "this-very-checkout"  # into a source, to be found in what is built
FILES = "sentinel/dashboard_files/"

pytestmark = [pytest.mark.real, pytest.mark.slow]


def run(*words: str | Path, cwd: Path, status: int = 0, path: str | None = None) -> str:
    """What it said, on either."""
    env = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    env |= {} if path is None else {"PATH": path}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == status, said[-3000:]
    return said


def build(kind: str, source: Path, into: Path, *, status: int = 0, path: str | None = None) -> str:
    """As `python -m build` and pip have hatchling do it, with what is at hand."""
    into.mkdir(exist_ok=True)
    hook = "build_wheel" if kind == "wheel" else "build_sdist"
    code = f"import sys; from hatchling import build; print(build.{hook}(sys.argv[1]))"
    return run(sys.executable, "-c", code, into, cwd=source, status=status, path=path)


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def assets(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {name.removeprefix(FILES): packed.read(name) for name in packed.namelist() if FILES in name}


@pytest.fixture(scope="module")
def no_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what a shell script needs, and no Node.js."""
    folder = tmp_path_factory.mktemp("bin")
    for name in "sh dirname sed grep find touch mkdir mv ls rm cat flock".split():
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return str(folder)


def copy_of_checkout(folder: Path) -> Path:
    known = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    for name in known:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, in which a source says MARK, with the packages of npm at hand."""
    run("sh", "requirements/dashboard.sh", "packages", cwd=ROOT)
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    (folder / "dashboard/node_modules").symlink_to(ROOT / "dashboard/node_modules")
    page = folder / "dashboard/src/pages/login/Login.tsx"
    text = page.read_text()
    assert "<h1>Sentinel</h1>" in text
    page.write_text(text.replace("<h1>Sentinel</h1>", f"<h1>Sentinel {MARK}</h1>"))
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    build("wheel", checkout, checkout / "out")
    return only(checkout / "out", "*.whl")


@pytest.fixture(scope="module")
def sdist(wheel: Path, checkout: Path) -> Path:
    build("sdist", checkout, checkout / "out")
    return only(checkout / "out", "*.tar.gz")


def test_a_wheel_has_the_dashboard_of_these_sources(wheel: Path) -> None:
    found = assets(wheel)
    page = found["index.html"].decode()
    assert 'id="root"' in page
    scripts = [name for name in found if name.endswith(".js")]
    assert scripts
    assert any(MARK.encode() in found[name] for name in scripts)
    assert all(name == "index.html" or name.startswith("assets/") for name in found)
    assert not any(name.endswith(".map") for name in found)
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        meta = email.message_from_bytes(packed.read(next(one for one in names if one.endswith("/METADATA"))))
    assert meta["Name"] == "sentinel-gpu"
    assert not any("node_modules" in name or name.startswith("dashboard/") for name in names)


def test_a_newer_source_is_in_the_next_wheel(wheel: Path, checkout: Path) -> None:
    page = checkout / "dashboard/src/pages/login/Login.tsx"
    was = page.read_text()
    try:
        page.write_text(was.replace(MARK, f"{MARK}-again"))
        build("wheel", checkout, checkout / "again")
        again = assets(only(checkout / "again", "*.whl"))
        assert any(f"{MARK}-again".encode() in body for body in again.values())
    finally:
        page.write_text(was)


def test_a_source_distribution_needs_no_node_to_become_a_wheel(
    sdist: Path, wheel: Path, tmp_path: Path, no_node: str
) -> None:
    with tarfile.open(sdist) as packed:
        names = packed.getnames()
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / sdist.name.removesuffix(".tar.gz")
    assert f"{folder.name}/dashboard/src/main.tsx" in names
    assert f"{folder.name}/dashboard/package-lock.json" in names
    assert not any("node_modules" in name for name in names)
    said = build("wheel", folder, tmp_path / "out", path=no_node)
    assert "dashboard:" not in said
    found = assets(only(tmp_path / "out", "*.whl"))
    assert 'id="root"' in found["index.html"].decode()
    assert any(MARK.encode() in body for body in found.values())


def test_without_node_there_is_a_wheel_and_a_line_but_no_source_distribution(
    tmp_path: Path, no_node: str
) -> None:
    folder = copy_of_checkout(tmp_path / "bare")
    said = build("wheel", folder, tmp_path / "out", path=no_node)
    lines = [line for line in said.splitlines() if line.startswith("dashboard:")]
    assert len(lines) == 1 and "needs Node.js" in lines[0]
    found = only(tmp_path / "out", "*.whl")
    assert assets(found) == {}
    said = build("sdist", folder, tmp_path / "sdist", path=no_node, status=1)
    assert "no source distribution without the web dashboard" in said
    assert not list((tmp_path / "sdist").iterdir())
    with served(found, tmp_path) as (url, tls, log):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/", context=tls, timeout=20)
        assert refused.value.code == 404
        assert "make dashboard" in refused.value.read().decode()
        assert "the dashboard: not built" in log.read_text()


def test_an_editable_installation_builds_nothing(tmp_path: Path, no_node: str) -> None:
    folder = copy_of_checkout(tmp_path / "bare")
    (tmp_path / "out").mkdir()
    code = "import sys; from hatchling import build; print(build.build_editable(sys.argv[1]))"
    said = run(sys.executable, "-c", code, tmp_path / "out", cwd=folder, path=no_node)
    assert "dashboard:" not in said
    assert not (folder / "src/sentinel/dashboard_files").exists()


def test_what_was_installed_serves_it(wheel: Path, tmp_path: Path) -> None:
    with served(wheel, tmp_path) as (url, tls, log):
        with urllib.request.urlopen(f"{url}/", context=tls, timeout=20) as answer:
            page = answer.read().decode()
        assert 'id="root"' in page
        names = [part.split('"')[0] for part in page.split('="/assets/')[1:]]
        assert names
        for name in names:
            with urllib.request.urlopen(f"{url}/assets/{name}", context=tls, timeout=20) as answer:
                assert answer.status == 200
        assert f"the dashboard: {url}/" in log.read_text()


@contextmanager
def served(wheel: Path, folder: Path) -> Iterator[tuple[str, ssl.SSLContext, Path]]:
    """The controller as it is in the wheel: installed into an environment of its own, without any registry.
    What it depends on is the checkout's."""
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=folder)
    python = venv / "bin/python"
    words = ["install", "--quiet", "--no-deps", "--no-index", "--find-links", wheel.parent, "sentinel-gpu"]
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        base = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
        pip = [str(base), "-m", "pip"]
    run(*pip, "--python", python, *words, cwd=folder)
    site = only(venv / "lib", "python*") / "site-packages"
    # A path by itself: the files there that name more paths, such as this checkout's, do not count.
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    where = run(python, "-c", "import sentinel; print(sentinel.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(venv)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "server.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    with log.open("wb") as sink:
        server = subprocess.Popen(
            [python, "-m", "sentinel.server", "server", "--data-dir", data, "--listen", f"127.0.0.1:{port}"],
            cwd=folder,
            env=env | {"HOME": str(folder)},
            stdout=sink,
            stderr=sink,
        )
    try:
        end = time.monotonic() + 60
        while "the dashboard:" not in log.read_text():
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=data / "pki/ca.pem"), log
    finally:
        server.terminate()
        server.wait(30)
