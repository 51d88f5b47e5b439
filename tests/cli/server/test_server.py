"""What `sentinel up` and the like become: the controller's process, with the same options."""

import json
from collections.abc import Sequence

import pytest
from tests.cli.running import Cli

from sentinel.cli.main import main
from sentinel.cli.node_process import SERVER
from sentinel.server import __main__ as server


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (["up"], ["up"]),
        (
            [
                "up", "--data-dir", "/d", "--listen", "127.0.0.1:1", "--gpus", "simulated:8",
                "--run-jobs-as", "ann", "--arbiter", "none", "--name", "a", "--name", "b",
                "--database", "postgresql://h/d", "--config", "c",
            ],
            [
                "up", "--data-dir", "/d", "--listen", "127.0.0.1:1", "--database", "postgresql://h/d",
                "--gpus", "simulated:8", "--run-jobs-as", "ann", "--arbiter", "none", "--config", "c",
                "--name", "a", "--name", "b",
            ],
        ),
        (["server", "--listen", ":8443"], ["server", "--listen", ":8443"]),
        (["down", "--data-dir", "/d"], ["down", "--data-dir", "/d"]),
        (["backup", "--to", "/f"], ["backup", "--to", "/f"]),
        (["restore", "--data-dir", "/d", "--", "-odd"], ["restore", "--data-dir", "/d", "--", "-odd"]),
    ],
)  # fmt: skip
def test_options_are_passed_on(words: list[str], passed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Sequence[str]] = []

    def become(_program: str, arguments: Sequence[str]) -> None:
        became.append(arguments)

    monkeypatch.setattr("os.execv", become)
    main(words)
    program = became[0]
    assert list(program[-len(passed) :]) == passed
    code = next(word for word in program if "sys.exit(main())" in word)
    assert f"from {SERVER} import main" in code


def test_the_controllers_process_knows_these_options() -> None:
    parser = server._parser()
    found = parser.parse_args(
        ["up", "--data-dir", "d", "--listen", "l", "--database", "x", "--gpus", "g", "--run-jobs-as", "u",
         "--arbiter", "a", "--config", "c", "--name", "n"]
    )  # fmt: skip
    assert (found.run_jobs_as, found.name) == ("u", ["n"])
    parser.parse_args(["backup", "--to", "f", "--database", "x", "--data-dir", "d", "--config", "c"])
    assert parser.parse_args(["restore", "--data-dir", "d", "--", "-odd"]).file == "-odd"
    parser.parse_args(["down", "--data-dir", "d", "--config", "c"])


def test_queue_resume(cli: Cli) -> None:
    cli.answers("POST queue/resume", {"held": False})
    assert cli("queue", "resume").out == "jobs start again\n"
    assert json.loads(cli("queue", "resume", "--json").out) == {"held": False}
