"""Keeps the status page's process running, as a user without rights. Called by the daemon's wiring."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import sentinel
from sentinel.arbiter.config import Config

AGAIN_AFTER = 5.0
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from sentinel.arbiter.web import main
sys.exit(main())
"""


def start_page(config: Config, socket_path: str) -> Callable[[], None]:
    """Starts it, and again whenever it ends; answers what stops it for good."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []
    library = str(Path(sentinel.__file__).parents[1])
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, library]
    command += ["--listen", config.web.listen, "--socket", socket_path]
    user = config.web.user if os.geteuid() == 0 else None

    def keep() -> None:
        while not over.is_set():
            try:
                page = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    user=user,
                    group=_group(user),
                    extra_groups=[] if user else None,
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                    cwd="/",
                )
            except (OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
                print(f"status page: cannot start: {error}", file=sys.stderr, flush=True)
            else:
                running[:] = [page]
                page.wait()
            over.wait(AGAIN_AFTER)

    threading.Thread(target=keep, name="status-page", daemon=True).start()

    def end() -> None:
        over.set()
        for page in running:
            page.terminate()

    return end


def _group(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid
