"""A tiny inference server for tests: answers on a Unix socket. Run as `python -I -S inference.py SOCKET`.

Writes a line with its pid to SOCKET.starts each time it starts, so that a test can count. What else it
does is said by words after the socket: `stubborn` ignores SIGTERM, `brief` ends by itself at once with
exit status 3, `crash-on-request` ends with exit status 4 at the first client.
"""

import contextlib
import os
import signal
import socket
import sys


def main() -> int:
    path, habits = sys.argv[1], sys.argv[2:]
    with open(f"{path}.starts", "a") as starts:  # noqa: PTH123 - starts in a blink, imports little
        starts.write(f"{os.getpid()}\n")
    if "brief" in habits:
        print("no model at /models/llama", file=sys.stderr)
        return 3
    if "stubborn" in habits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.sendall(b"42")
        if "crash-on-request" in habits:
            return 4


if __name__ == "__main__":
    sys.exit(main())
