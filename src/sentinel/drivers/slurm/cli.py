"""A cluster by Slurm's commands: `scontrol show node`, `squeue`, `sdiag`.

Called by the command's wiring. Their text is asked for first, which every version prints and which is small;
where that cannot be had or read, their JSON. A command that prints JSON anyway is understood, too.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sentinel.core import clock
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.slurm import Part, SlurmReading
from sentinel.core.units import show_duration
from sentinel.drivers.slurm import json_answer, text_answer
from sentinel.drivers.slurm.asking import read_all
from sentinel.drivers.slurm.command import TooLate, TooLong, run

NAME = "cli"
ANSWER_SECONDS = 10.0
_JSON = {
    Part.NODES: (("scontrol", "show", "nodes", "--json"), ("sinfo", "-N", "--json")),
    Part.JOBS: (("squeue", "--json"),),
    Part.SCHEDULER: (("sdiag", "--json"),),
}
_FROM_JSON: Mapping[Part, Callable[[Mapping[str, Any]], Any]] = {
    Part.NODES: json_answer.nodes_from,
    Part.JOBS: json_answer.jobs_from,
    Part.SCHEDULER: json_answer.scheduler_from,
}
# People set these for themselves; they change what is printed, or of which cluster.
_MEDDLING = re.compile(r"(SQUEUE|SINFO|SCONTROL|SDIAG)_.*|SLURM_(CLUSTERS|TIME_FORMAT|BITSTR_LEN|JSON|YAML)")


class CommandSource:
    """Implements ports.slurm.SlurmSource. `timeout`, in seconds, is for a whole look.

    `environment` is what the commands get, PATH among it. `mark` makes a word that nobody can guess.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        timeout: float = ANSWER_SECONDS,
        now: Callable[[], float] = clock.boottime,
        mark: Callable[[], str] = secrets.token_hex,
    ) -> None:
        kept = {name: value for name, value in environment.items() if not _MEDDLING.fullmatch(name)}
        # Long lists of an array's tasks would be cut short otherwise.
        self._environment = kept | {"LC_ALL": "C.UTF-8", "SLURM_BITSTR_LEN": "0"}
        self._timeout, self._now, self._mark = timeout, now, mark
        self._until = 0.0

    def read(self) -> SlurmReading:
        self._until = self._now() + self._timeout
        return read_all(NAME, self._part)

    def _part(self, part: Part) -> tuple[Any, str | None]:
        mark = self._mark()
        first: SourceUnknown | SourceAbsent | None = None
        for argv in (_text_command(part, mark), *_JSON[part]):
            try:
                return _understood(part, argv[0], self._output(argv), mark)
            except _Hung as error:
                raise SourceUnknown(error.message) from None
            except (SourceUnknown, SourceAbsent) as error:
                first = first or error
        assert first is not None
        raise first

    def _output(self, argv: Sequence[str]) -> str:
        name = argv[0]
        try:
            ended = run(argv, environment=self._environment, until=self._until, now=self._now)
        except FileNotFoundError:
            raise SourceAbsent(
                f"there is no {name} here; install Slurm's client commands, or name a slurmrestd with --restd"
            ) from None
        except PermissionError:
            raise SourceUnknown(f"{name} cannot be run by this user") from None
        except TooLate:
            raise _Hung(
                f"{name} has not ended within {show_duration(self._timeout)} and was killed; "
                "`scontrol ping` says whether slurmctld answers"
            ) from None
        except TooLong:
            raise _Hung(f"the output of {name} does not end") from None
        except OSError as error:
            raise SourceUnknown(f"{name} cannot be run: {error.strerror or error}") from error
        if ended.status:
            # The last line is the one that it gave up with.
            why = " ".join(ended.complaint.strip().rpartition("\n")[2].split())[:200]
            raise SourceUnknown(f"{name} ends with {ended.status}: {why or 'it says nothing'}")
        return ended.output.decode("utf-8", "replace")


class _Hung(SourceUnknown):
    """To ask once more would take too long."""


def _text_command(part: Part, mark: str) -> Sequence[str]:
    match part:
        case Part.NODES:
            return ("scontrol", "show", "node", "-d", "-o")
        case Part.JOBS:
            return ("squeue", "-h", "-t", "all", "-o", f"{mark} {text_answer.QUEUE_FORMAT}")
        case Part.SCHEDULER:
            return ("sdiag",)


def _understood(part: Part, name: str, output: str, mark: str) -> tuple[Any, str | None]:
    try:
        if output.lstrip().startswith("{"):
            answer = json_answer.parsed(output.encode("utf-8", "surrogatepass"))
            return _FROM_JSON[part](answer), json_answer.version_from(answer)
        match part:
            case Part.NODES:
                return text_answer.nodes_from(output), None
            case Part.JOBS:
                return text_answer.jobs_from(output, mark), None
            case Part.SCHEDULER:
                return text_answer.scheduler_from(output), None
    except ValueError as error:
        raise SourceUnknown(f"{name} is not understood: {error}") from None
