"""`sentinel agent`: which process it becomes, and what it refuses."""

import pytest

from sentinel.cli import app
from sentinel.cli.local import agent
from sentinel.core.errors import UsageError


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    found: list[list[str]] = []

    def replaced(arguments: list[str]) -> None:
        found.append(list(arguments))
        raise SystemExit(0)

    monkeypatch.setattr(agent, "become", replaced)
    return found


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("--standalone", "run --standalone"),
        (
            "--standalone --listen none --gpus simulated:2",
            "run --standalone --listen none --gpus simulated:2",
        ),
        ("", "run"),
        ("--address 10.0.0.7 --no-share-gpus", "run --address 10.0.0.7 --no-share-gpus"),
        ("run --node-dir /n", "run --node-dir /n"),
        ("join https://c:8443 --token T --name n", "join https://c:8443 --token T --name n"),
        ("join https://c --token-file F --node-dir /n", "join https://c --token-file F --node-dir /n"),
        (
            "--controller https://c --join-token-file F --run-jobs-as ada --arbiter none",
            "run --controller https://c --join-token-file F --run-jobs-as ada --arbiter none",
        ),
    ],
)
def test_it_becomes_the_agent(given: str, becomes: str, become: list[list[str]]) -> None:
    app.run(["agent", *given.split()])
    assert become == [becomes.split()]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("join --token T", "say which controller"),
        ("join https://c", "takes a token"),
        ("join https://c --token T --gpus nvml", "--gpus is for running"),
        ("run https://c", "to join: sentinel agent join https://c"),
        ("--token T", "to join"),
        ("join https://c --token T --address 10.0.0.7", "--address is for running"),
    ],
)
def test_mistakes_say_what_to_do(given: str, says: str, become: list[list[str]]) -> None:
    with pytest.raises(UsageError, match=says):
        app.run(["agent", *given.split()])
    assert become == []
