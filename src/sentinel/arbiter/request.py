"""sentinel-request: run a command with the GPU. Any user's way in.

Asks the arbiter for a lease, then *becomes* the command (exec): terminal, signals, stdin and exit code
are the command's own, and killing the wrapper is killing the command. The lease is bound to the
process and what it starts; there is nothing to give back.

No argparse, no dataclasses, no typing: start-up is paid before every command.
"""

import os
import sys

from sentinel.core.codec import LEASE_VARIABLE
from sentinel.core.errors import ArbiterUnavailable, SentinelError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

USAGE = """\
usage: sentinel-request [OPTION…] [--] CMD [ARG…]

Runs CMD with this machine's GPUs: inference services step aside, CMD starts once their memory is
measured free, and they come back after it ends. Exits with CMD's own exit code.

which GPUs (default: all of them, shared with other research)
  --gpus N             N whole GPUs, nobody else's
  --gpu-ids IDS        these, by index or UUID, comma separated
  --memory SIZE        alone: a share of one GPU, e.g. 20GiB; with --gpus: that much free on each
how long to wait
  --wait               until it is my turn (default)
  --no-wait            not at all
  --timeout TIME       at most this long, e.g. 90s or 10m
other
  --extend TIME [LEASE]  instead of running anything: hold a lease for longer, where there is a limit
                       (LEASE: its id; default: the one that this shell runs in)
  --indices            set CUDA_VISIBLE_DEVICES to indices (in PCI order) instead of UUIDs
  --fallback run       run CMD even if no arbiter answers (default: fail)
  --name TEXT          what others see as the holder
  --quiet              no "waiting" lines on stderr
  --help, --version

exit codes: CMD's own; 75 refused or timed out (one line on stderr says who holds what); 69 no arbiter;
2 wrong usage; 126 or 127 CMD cannot be run
"""


class Options:
    """What the command line says."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.wait: float | None = None
        self.indices = False
        self.fallback = False
        self.quiet = False
        self.extend: float | None = None
        self.command: list[str] = []

    def take(self, name: str) -> bool:
        """Sets a switch; False when there is none of that name."""
        match name:
            case "--wait":
                self.wait = None
            case "--no-wait":
                self.wait = 0
            case "--indices":
                self.indices = True
            case "--quiet" | "-q":
                self.quiet = True
            case _:
                return False
        return True

    def take_value(self, name: str, value: str) -> None:
        """Sets an option that has a value. UsageError says what the value may be."""
        match name:
            case "--gpus":
                if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 1024:
                    raise UsageError(f"--gpus takes a number from 1 up, not {value!r}")
                self.message["count"] = int(value)
            case "--gpu-ids":
                self.message["gpu_ids"] = [part.strip() for part in value.split(",") if part.strip()]
                if not self.message["gpu_ids"]:
                    raise UsageError("--gpu-ids takes indices or UUIDs, like 0,1")
            case "--memory":
                from sentinel.core.units import parse_size

                self.message["memory_bytes"] = parse_size(value)
                if self.message["memory_bytes"] <= 0:
                    raise UsageError("--memory must be above 0")
            case "--timeout":
                from sentinel.core.units import parse_duration

                self.wait = parse_duration(value)
            case "--extend":
                from sentinel.core.units import parse_duration

                self.extend = parse_duration(value)
            case "--fallback":
                if value not in ("run", "fail"):
                    raise UsageError(f"--fallback is run or fail, not {value!r}")
                self.fallback = value == "run"
            case _:
                self.message["holder"] = value[:80]

    def conclude(self) -> None:
        """Makes the message whole. UsageError when the options contradict each other."""
        message = self.message
        count, ids = message.get("count"), message.get("gpu_ids")
        if ids is not None:
            if count not in (None, len(ids)):
                raise UsageError("--gpus and --gpu-ids contradict each other")
            message.pop("count", None)
        if ids is not None or count is not None:
            message["sharing"] = "exclusive"
        elif "memory_bytes" in message:
            message["sharing"] = "slice"
        message["wait_seconds"] = self.wait
        message["command"] = " ".join(self.command)[:200]
        if parent := os.environ.get(LEASE_VARIABLE):
            message["parent"] = parent


_VALUES = ("--extend", "--gpus", "--gpu-ids", "--memory", "--timeout", "--fallback", "--name")


def main(arguments: "list[str] | None" = None) -> int:
    """Only returns when the command was not run."""
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        if options is None:
            return 0
        if options.extend is not None:
            return extend(options.extend, options.command)
        program = find_program(options.command[0])
        return run(options, program)
    except UsageError as error:
        _say(f"{error.message}; see sentinel-request --help")
        return error.exit_code
    except SentinelError as error:
        _say(error.message)
        return error.exit_code
    except KeyboardInterrupt:
        # As the command would have ended: whoever started us sees the signal, a shell sees 130.
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 130


def parse(arguments: "list[str]") -> "Options | None":
    """The options; None when all was said (--help). UsageError says what is wrong."""
    options = Options()
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            sys.stdout.write(USAGE)
            return None
        if word == "--version":
            from sentinel import __version__

            print(f"sentinel {__version__}")
            return None
        name, sign, value = word.partition("=")
        if name in _VALUES:
            if not sign:
                if not rest:
                    raise UsageError(f"{name} needs a value")
                value = rest.pop(0)
            options.take_value(name, value)
        elif sign or not options.take(name):
            raise UsageError(f"there is no option {word}")
    options.command = rest
    if options.extend is None:
        if not rest:
            raise UsageError("which command?")
        options.conclude()
    return options


def extend(seconds: float, leases: "list[str]") -> int:
    """Holds a lease for longer. UsageError when it is not said which."""
    from sentinel.core.arbiter_client import Channel

    lease = leases[0] if leases else os.environ.get(LEASE_VARIABLE)
    if not lease or len(leases) > 1:
        raise UsageError("--extend TIME takes one lease's id (sentinel-status shows them)")
    answer = Channel().ask({"cmd": "extend", "lease": lease, "seconds": seconds})
    _say(str(answer.get("message", "done")))
    return 0


def find_program(name: str) -> str:
    """Where the command is, before anything is paused for it. UsageError-like exit codes of a shell."""
    if "/" in name:
        candidates = [name]
    else:
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        candidates = [os.path.join(folder or ".", name) for folder in folders]  # noqa: PTH118 - pathlib costs
    there = [c for c in candidates if os.path.isfile(c)]  # noqa: PTH113
    for candidate in there:
        if os.access(candidate, os.X_OK):
            return candidate
    error = SentinelError(f"{name}: {'not executable' if there else 'command not found'}")
    error.exit_code = 126 if there else 127
    raise error


def run(options: Options, program: str) -> int:  # noqa: RET503 - `become` never returns
    """Gets the lease and becomes the command; answers an exit code when it could not."""
    from sentinel.core.arbiter_client import acquire

    told: list[str] = []

    def waiting(why: str) -> None:
        told.append(why)
        if not options.quiet:
            _say(f"waiting for {why}")

    try:
        _channel, answer = acquire(options.message, waiting)
    except ArbiterUnavailable as error:
        if not options.fallback:
            raise
        _say(f"{error.message}; running without a lease, as --fallback run says")
        become(program, options.command, dict(os.environ))
    if answer["event"] == "refused":
        _say(f"refused: {answer.get('message', '')}")
        return 2 if answer.get("code") == "bad-request" else 75
    if told and not options.quiet:
        _say("granted")
    become(program, options.command, environment(dict(os.environ), answer, options.indices))


def environment(env: "dict[str, str]", answer: "dict[str, Any]", indices: bool) -> "dict[str, str]":
    """`env` with the lease's mark and GPUs. What the user chose among them already is kept."""
    env[LEASE_VARIABLE] = answer["lease"]
    gpus = answer["gpus"]
    if not gpus:
        return env
    chosen = [c.strip() for c in env.get("CUDA_VISIBLE_DEVICES", "").split(",") if c.strip()]
    mine = {str(g["index"]) for g in gpus} | {d for g in gpus for d in (g["uuid"], *g["devices"])}
    if chosen and mine.issuperset(chosen):
        if any(c.isdigit() for c in chosen):
            env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    elif indices:
        env["CUDA_VISIBLE_DEVICES"] = ",".join(str(g["index"]) for g in gpus)
        env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    else:
        env["CUDA_VISIBLE_DEVICES"] = ",".join(d for g in gpus for d in g["devices"])
    return env


def become(program: str, command: "list[str]", env: "dict[str, str]") -> "NoReturn":
    """Turns this process into the command."""
    import signal

    # Python ignores these at its start; the command is to find them as its shell would have left them.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, command, env)  # noqa: S606 - that is the point
    except OSError as error:
        failed = SentinelError(f"cannot run {program}: {error.strerror}")
        failed.exit_code = 126
        raise failed from None


def _say(text: str) -> None:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    sys.stderr.write(f"sentinel-request: {clean}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
