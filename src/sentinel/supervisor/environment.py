"""What a job finds in its environment. Pure. Called by the launcher.

Never anything of the supervisor's own. What loads code (LD_PRELOAD and the like) is the owner's to set: it
counts from exec on, when the process is the owner's already.
"""

from collections.abc import Mapping, Sequence

from sentinel.core.codec import LEASE_VARIABLE
from sentinel.supervisor.attempts import Attempt
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

MARK = "SENTINEL_JOB"
"""Names the attempt's token: by it the processes of a job are found again."""
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
DEFAULT_TERMINAL = "xterm-256color"


def environment_of(launch: Launch, person: Person) -> dict[str, str]:
    """All of it, but for what the arbiter may grant."""
    found = dict(launch.environment)
    found.setdefault("PATH", DEFAULT_PATH)
    if launch.spec.pty:
        found.setdefault("TERM", DEFAULT_TERMINAL)
    found["HOME"] = person.home
    found["USER"] = found["LOGNAME"] = person.name
    found["SHELL"] = person.shell
    found["CUDA_VISIBLE_DEVICES"] = ",".join(launch.gpus)
    found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    found["SENTINEL_JOB_ID"] = launch.job
    found["SENTINEL_ATTEMPT"] = str(launch.attempt)
    found[MARK] = launch.token
    found.pop(LEASE_VARIABLE, None)  # another job's, if any
    return found


def minimal(person: Person, attempt: Attempt) -> dict[str, str]:
    """What a process beside a job gets when the job's own environment cannot be had."""
    return {
        "PATH": DEFAULT_PATH,
        "HOME": person.home,
        "USER": person.name,
        "LOGNAME": person.name,
        "SHELL": person.shell,
        "SENTINEL_JOB_ID": attempt.job,
        "SENTINEL_ATTEMPT": str(attempt.attempt),
        MARK: attempt.token,
    }


def granted(lease: str, devices: Sequence[str]) -> Mapping[str, str]:
    """What the arbiter's grant adds. `devices`: UUIDs for CUDA, those of MIG included."""
    return {LEASE_VARIABLE: lease, "CUDA_VISIBLE_DEVICES": ",".join(devices)}
