"""The one error tree. Drivers translate foreign errors into it; messages say what to do next.

    SentinelError                 exit 1
    ├── UsageError                exit 2    the caller asked wrongly
    │   └── ConfigError           exit 2    a config file; names file, line and key
    ├── ProtocolError             exit 1    bytes on a socket that are no message of ours
    ├── GpuReadError              exit 1    the GPUs could not be read: *unknown*, never empty
    ├── SourceUnknown             exit 1    a source of the inventory did not answer: *unknown*, never empty
    ├── SourceAbsent              exit 1    a source of the inventory does not exist on this machine
    ├── ServiceError              exit 1    an inference service would not do what was asked
    ├── StoreUnavailable          exit 1    the queue's database cannot be reached, is full or locked
    ├── StoreConflict             exit 1    what is to be kept contradicts what is kept
    ├── ApiError                  exit 1    the controller said no; names status and hint
    │   └── ApiUnavailable        exit 69   no controller answers (EX_UNAVAILABLE)
    ├── ArbiterUnavailable        exit 69   nobody answers on the arbiter's socket (EX_UNAVAILABLE)
    └── Refused                   exit 75   not now (EX_TEMPFAIL); says who holds what

`retry` says whether the same call may succeed later with nothing changed by the caller.
"""


class SentinelError(Exception):
    """Root of everything Sentinel raises on purpose."""

    exit_code: int = 1
    retry: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(SentinelError):
    """The caller asked wrongly; the message says how to ask."""

    exit_code = 2


class ConfigError(UsageError):
    """A config file that cannot be used. `key` is dotted (`service.chat.user`), `line` counts from 1."""

    def __init__(self, message: str, *, file: str, line: int | None = None, key: str | None = None) -> None:
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {key}: {message}" if key else f"{where}: {message}")
        self.file, self.line, self.key = file, line, key


class ProtocolError(SentinelError):
    """Bytes that are not a message of the arbiter's protocol."""


class GpuReadError(SentinelError):
    """The GPUs could not be read. What they hold is unknown, which is not the same as nothing."""

    retry = True


class SourceUnknown(SentinelError):
    """A container engine or the like did not answer, or not in a way that can be understood."""

    retry = True


class SourceAbsent(SentinelError):
    """There is no such engine on this machine."""


class ServiceError(SentinelError):
    """An inference service could not be looked at, evicted or restored."""

    retry = True


class StoreUnavailable(SentinelError):
    """The queue's database cannot be reached, is full, or was locked for too long. Nothing was kept."""

    retry = True


class StoreConflict(SentinelError):
    """What was to be kept contradicts what is kept already: an id, a name or a GPU that is taken."""


class ApiError(SentinelError):
    """The controller said no. `status` is the HTTP one, `kind` the problem's type, `hint` what to do."""

    def __init__(self, message: str, *, status: int | None = None, kind: str = "", hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.status, self.kind, self.hint = status, kind, hint
        self.retry = status in (429, 503)


class ApiUnavailable(ApiError):
    """No controller answers at that address."""

    exit_code = 69

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry = True


class ArbiterUnavailable(SentinelError):
    """No arbiter answers on the socket."""

    exit_code = 69
    retry = True


class Refused(SentinelError):
    """The arbiter says no, for now."""

    exit_code = 75
    retry = True
