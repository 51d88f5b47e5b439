"""`sentinel dev seed` becomes the controller's process, which knows these options."""

from collections.abc import Sequence

import pytest

from sentinel.cli.main import main
from sentinel.cli.node_process import SERVER
from sentinel.server.__main__ import _parser


def became(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[Sequence[str]] = []
    monkeypatch.setattr("os.execv", lambda _program, arguments: found.append(arguments))
    main(list(words))
    program = list(found[0])
    code = next(place for place, word in enumerate(program) if "sys.exit(main())" in word)
    assert f"from {SERVER} import main" in program[code]
    return program[code + 2 :]


def test_defaults_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = _parser().parse_args(became(["dev", "seed"], monkeypatch))
    assert passed == _parser().parse_args(["seed"])


def test_every_option_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--nodes", "3", "--gpus", "2", "--days", "2.5", "--jobs", "7", "--seed", "9", "--alerts",
             "--live", "--every", "1", "--force", "--data-dir", "d", "--database", "u", "--config", "c",
             "--json"]  # fmt: skip
    passed = _parser().parse_args(became(["dev", "seed", *words], monkeypatch))
    assert vars(passed) == {
        "command": "seed", "nodes": 3, "gpus": 2, "days": 2.5, "jobs": 7, "seed": 9, "alerts": True,
        "live": True, "every": 1.0, "force": True, "data_dir": "d", "database": "u", "config": "c",
        "as_json": True,
    }  # fmt: skip
