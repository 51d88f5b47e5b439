"""`sentinel` in this process, against a controller whose answers a test writes. For the tests of `cli`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.client.fake_controller import FakeController, controller

from sentinel.cli.main import main


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


class Cli:
    """`cli("job", "list")` runs it."""

    def __init__(
        self, fake: FakeController, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.fake, self._capfd, self._patch = fake, capfd, patch

    def __call__(self, *arguments: str) -> Done:
        status = main(arguments)
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        return Done(status=status, out=out, err=err)

    def answers(self, what: str, answer: Any) -> None:
        self.fake.answers[what] = answer


def opened(folder: Path, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Iterator[Cli]:
    for name in [name for name in os.environ if name.startswith(("SENTINEL_", "LC_"))]:
        patch.delenv(name)
    with controller(folder) as fake:
        for name, value in {**fake.environment(), "HOME": str(folder), "COLUMNS": "80"}.items():
            patch.setenv(name, value)
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        yield Cli(fake, capfd, patch)
