"""How the dashboard gets built, as the Makefile has it done: when, when not, and what if it goes wrong.

Node.js and npm are stand-ins here, so that this takes no time and no network. The real ones build a wheel in
tests/test_dashboard_wheel.py.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = "sh dirname sed grep find touch mkdir mv ls rm cat flock sleep env true".split()
NODE = '#!/bin/sh\n[ "$1" = --version ] && echo v18.19.0 && exit\nexit ${NODE_STATUS:-0}\n'
NPM = """#!/bin/sh
# `npm ci` brings packages; `npm run bundle` writes a build that says which sources it was made of.
echo "$*" >>"$NPM_LOG"
case $1 in
ci)
    if [ -n "${NPM_CI_FAILS:-}" ]; then echo "npm error code $NPM_CI_FAILS" >&2; exit 1; fi
    mkdir -p node_modules && touch node_modules/.package-lock.json ;;
run)
    if [ "${*##* }" = budget ]; then echo "budget: is kept, or not"; exit "${NPM_TOO_BIG:-0}"; fi
    [ "${*##* }" = bundle ] || exit "${NPM_CHECK:-0}"
    version=$(cat src/main.tsx)
    mkdir -p "$SENTINEL_DASHBOARD_OUT/assets"
    echo "half" >"$SENTINEL_DASHBOARD_OUT/assets/$version.js"
    [ -z "${NPM_SLEEPS:-}" ] || sleep "$NPM_SLEEPS"
    [ -z "${NPM_BUILD_FAILS:-}" ] || { echo "vite does not like it"; exit 1; }
    echo "whole" >"$SENTINEL_DASHBOARD_OUT/assets/$version.js"
    echo "page of $version" >"$SENTINEL_DASHBOARD_OUT/index.html" ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A checkout with a dashboard of one source."""

    folder: Path

    @property
    def built(self) -> Path:
        return self.folder / "src/sentinel/dashboard_files"

    def start(self, mode: str, **env: str) -> "subprocess.Popen[str]":
        path, log = str(self.folder / "bin"), str(self.folder / "npm.log")
        return subprocess.Popen(
            ["sh", "requirements/dashboard.sh", mode],
            cwd=self.folder,
            env={"PATH": path, "NPM_LOG": log, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, mode: str = "ready", **env: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        with self.start(mode, **env) as process:
            out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def asked(self) -> list[str]:
        """What npm was asked for since the last time."""
        log = self.folder / "npm.log"
        found = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.split()[0] + " " + line.split()[-1] if " " in line else line for line in found]

    def write(self, version: str) -> None:
        """A source that is newer than all that there is."""
        source = self.folder / "dashboard/src/main.tsx"
        source.write_text(version)
        later(source)

    def page(self) -> str:
        return (self.built / "index.html").read_text()

    def assets(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted((self.built / "assets").iterdir())}

    def whole(self) -> bool:
        """What a page names is there."""
        return self.assets().get(f"{self.page().split()[-1]}.js") == "whole\n"

    def without(self, *names: str) -> None:
        for name in names:
            (self.folder / "bin" / name).unlink()


def later(path: Path) -> None:
    """Clocks of file systems are coarse: what is written next must not look as old."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    time.sleep(0.01)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name in (
        "requirements",
        "dashboard/src",
        "dashboard/public",
        "dashboard/scripts",
        "src/sentinel",
        "bin",
    ):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "requirements/dashboard.sh", tmp_path / "requirements")
    for name in ("index.html", "package.json", "vite.config.ts", "tsconfig.json", "scripts/budget.mjs"):
        (tmp_path / "dashboard" / name).touch()
    (tmp_path / "dashboard/package-lock.json").touch()
    (tmp_path / "dashboard/src/main.tsx").write_text("v1")
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (tmp_path / "bin" / name).symlink_to(found)
    for name, script in (("node", NODE), ("npm", NPM)):
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    time.sleep(0.02)
    return Tree(folder=tmp_path)


# ------------------------------------------------------------------ when


def test_the_first_time_it_fetches_and_builds_and_says_so_on_stderr(tree: Tree) -> None:
    status, out, err = tree.run()
    assert (status, out) == (0, "")
    assert [line.split(": ")[0] for line in err.splitlines()] == ["dashboard"] * 3
    assert tree.asked() == ["ci --fetch-timeout=30000", "run bundle", "run budget"]
    assert tree.page() == "page of v1\n"
    assert tree.whole()
    assert list((tree.folder / "build/dashboard").iterdir()) == []


@pytest.mark.parametrize("mode", ["ready", "build"])
def test_with_nothing_to_do_it_does_nothing(tree: Tree, mode: str) -> None:
    tree.run()
    tree.asked()
    assert tree.run(mode) == (0, "", "")
    assert "run bundle" not in tree.asked()


def test_what_is_newer_is_built_and_nothing_old_is_left(tree: Tree) -> None:
    tree.run()
    tree.write("v2")
    assert tree.run()[0] == 0
    assert tree.asked()[-2:] == ["run bundle", "run budget"]
    assert (tree.page(), list(tree.assets())) == ("page of v2\n", ["v2.js"])


def test_a_source_that_is_gone_or_that_changed_while_it_was_built_counts(tree: Tree) -> None:
    other = tree.folder / "dashboard/src/other.ts"
    other.touch()
    with tree.start("ready", NPM_SLEEPS="0.5") as process:
        wait_for(lambda: (tree.folder / "build/dashboard").is_dir() and "run" in " ".join(peek(tree)))
        tree.write("v2")
        process.communicate(timeout=30)
    tree.asked()
    tree.run()
    assert (tree.asked()[0], tree.page()) == ("run bundle", "page of v2\n")
    time.sleep(0.02)
    other.unlink()
    tree.run()
    assert tree.asked()[0] == "run bundle"


def test_tests_are_no_part_of_it(tree: Tree) -> None:
    test = tree.folder / "dashboard/src/main.test.ts"
    test.touch()
    tree.run()
    tree.asked()
    later(test)
    tree.run()
    assert tree.asked() == []


def test_a_source_distribution_brings_its_own(tree: Tree) -> None:
    tree.run()
    tree.asked()
    (tree.folder / "PKG-INFO").touch()
    tree.write("v2")  # as old as it was packed, whatever unpacking made of it
    assert tree.run("ready") == (0, "", "")
    assert tree.asked() == []


def test_from_anywhere(tree: Tree) -> None:
    script = tree.folder / "requirements/dashboard.sh"
    env = {"PATH": str(tree.folder / "bin"), "NPM_LOG": str(tree.folder / "npm.log")}
    subprocess.run(["sh", str(script), "ready"], cwd="/", env=env, check=True, capture_output=True)
    assert tree.whole()


# ------------------------------------------------------------------ when it cannot be done


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if " works without" in line]
    assert len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize("gone", [("node", "npm"), ("npm",), ("node",)])
def test_without_node_one_line_says_what_to_do(tree: Tree, gone: tuple[str, ...]) -> None:
    tree.without(*gone)
    status, out, err = tree.run()
    assert (status, out, err.count("\n")) == (0, "", 1)
    assert one_line(err).startswith("dashboard: is not built: ")
    assert "Node.js 20.19" in err and "make dashboard" in err
    status, out, err = tree.run("build")
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_a_node_that_is_too_old_is_named(tree: Tree) -> None:
    status, _, err = tree.run(NODE_STATUS="1")
    assert (status, err.count("\n"), tree.asked()) == (0, 1, [])
    assert "v18.19.0" in one_line(err)
    assert tree.run("build", NODE_STATUS="1")[0] == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("18.20.4", False), ("20.18.9", False), ("20.19.0", True), ("21.7.3", False), ("22.11.0", False),
        ("22.12.0", True), ("24.0.0", True),
    ],
)  # fmt: skip
def test_which_versions_of_node_do(version: str, fits: bool) -> None:
    node = shutil.which("node")
    assert node is not None, "the dashboard's own tests need Node.js"
    script = (ROOT / "requirements/dashboard.sh").read_text()
    judge = script.split("node -e '")[1].split("'")[0].replace("process.versions.node", f'"{version}"')
    assert (subprocess.run([node, "-e", judge], check=False).returncode == 0) is fits


def test_a_registry_that_cannot_be_reached_is_no_trouble_for_the_rest(tree: Tree) -> None:
    status, _, err = tree.run(NPM_CI_FAILS="ENOTFOUND")
    assert (status, "ENOTFOUND" in one_line(err), tree.built.exists()) == (0, True, False)
    assert "npm error" not in err
    status, _, err = tree.run("build", NPM_CI_FAILS="ENOTFOUND")
    assert (status, "npm error code ENOTFOUND" in err) == (1, True)
    assert tree.run("build")[0] == 0  # and the next time all is well


def test_what_does_not_build_leaves_what_was_there(tree: Tree) -> None:
    tree.run()
    tree.write("v2")
    status, _, err = tree.run(NPM_BUILD_FAILS="1")
    assert (status, one_line(err).startswith("dashboard: is older than its sources: ")) == (0, True)
    assert (tree.page(), tree.whole()) == ("page of v1\n", True)
    status, _, err = tree.run("build", NPM_BUILD_FAILS="1")
    assert (status, "vite does not like it" in err) == (1, True)
    assert tree.whole()


def test_a_broken_promise_is_told_where_it_is_built_and_fails_where_promises_are_looked_at(
    tree: Tree,
) -> None:
    status, _, err = tree.run(NPM_TOO_BIG="1")
    assert (status, "dashboard: budget: " in err, tree.whole()) == (0, True, True)
    status, _, err = tree.run("promises", NPM_TOO_BIG="1")
    assert (status, "breaks a promise" in err) == (1, True)
    assert tree.run("promises")[0] == 0
    recipe = (ROOT / "Makefile").read_text().split("\ndashboard:")[1].split("\n\n")[0]
    assert [line.split()[-1] for line in recipe.splitlines()[1:]] == ["build", "promises"]


def test_what_is_built_needs_no_node_to_stay_so(tree: Tree) -> None:
    tree.run()
    tree.without("node", "npm")
    assert tree.run("ready") == tree.run("build") == (0, "", "")


# ------------------------------------------------------------------ in between


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def peek(tree: Tree) -> list[str]:
    log = tree.folder / "npm.log"
    return log.read_text().split() if log.exists() else []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_half_way_it_leaves_a_whole_one_and_the_next_goes_on(
    tree: Tree, number: signal.Signals
) -> None:
    tree.run()
    tree.write("v2")
    halves = tree.folder / "build/dashboard"
    with tree.start("ready", NPM_SLEEPS="30") as process:
        wait_for(lambda: any(path.is_dir() and list(path.rglob("*.js")) for path in halves.glob("new.*")))
        os.killpg(process.pid, number)
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert (tree.page(), tree.assets()) == ("page of v1\n", {"v1.js": "whole\n"})
    assert tree.run()[0] == 0
    assert (tree.page(), tree.assets()) == ("page of v2\n", {"v2.js": "whole\n"})
    assert list(halves.iterdir()) == []


def test_at_no_moment_is_there_half_a_one(tree: Tree) -> None:
    tree.run()
    seen: set[str] = set()
    for version in ("v2", "v3", "v4"):
        tree.write(version)
        with tree.start("ready") as process:
            while process.poll() is None:
                page = tree.page()
                asset = tree.built / "assets" / f"{page.split()[-1]}.js"
                try:
                    assert asset.read_text() == "whole\n"
                except FileNotFoundError:  # another page by now, or never
                    assert tree.page() != page
                seen.add(page)
            process.communicate(timeout=30)
    assert seen >= {"page of v1\n", "page of v2\n", "page of v3\n"}


def test_two_at_once_take_turns_and_one_builds(tree: Tree) -> None:
    with tree.start("ready", NPM_SLEEPS="0.5") as one, tree.start("ready", NPM_SLEEPS="0.5") as two:
        for process in (one, two):
            process.communicate(timeout=30)
            assert process.returncode == 0
    assert sorted(tree.asked()) == ["ci --fetch-timeout=30000", "run budget", "run bundle"]
    assert tree.whole()


# ------------------------------------------------------------------ its checks


def test_its_checks_are_run_and_fail_with_it(tree: Tree) -> None:
    assert tree.run("check")[0] == 0
    assert tree.asked() == ["ci --fetch-timeout=30000", "run check"]
    assert tree.run("check", NPM_CHECK="3")[0] != 0


def test_without_node_the_checks_say_that_they_did_not_run(tree: Tree) -> None:
    tree.without("node", "npm")
    status, _, err = tree.run("check")
    assert (status, err.count("\n"), "not checked" in err) == (0, 1, True)


# ------------------------------------------------------------------ who has it done


def test_every_target_that_may_serve_it_has_it_built_and_ci_insists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "test-real", "bench", "dev"):
        assert f"\n{target}: built" in makefile, target
    assert makefile.split("\ncheck:")[1].split("\n\n")[0].endswith(" check-dashboard")
    assert makefile.split("\ncheck-dashboard:")[1].split("\n\n")[0].endswith("dashboard.sh check")
    assert "phase dashboard " in (ROOT / ".ci/run").read_text()
