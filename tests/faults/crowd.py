"""Many clients at once, each a process of its own. Run as `python -I -S crowd.py SOCKET COUNT ORDERED`.

Each asks for all GPUs for itself alone, writes its number on standard output once it has them, and gives
them back. With ORDERED=1 each asks only after the one before it has been told to wait, so the order in
which they asked is known. Exit status 0 when every one of them was served.
"""

import json
import os
import socket
import sys


def main() -> int:
    path, count, ordered = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    children: list[int] = []
    for number in range(count):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            code = 1
            try:
                code = ask(path, number, writer)
            finally:
                os._exit(code)
        os.close(writer)
        children.append(child)
        if ordered:
            os.read(reader, 1)
        os.close(reader)
    os.write(2, b"all have asked\n")
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return 1 if any(codes) else 0


def ask(path: str, number: int, told: int) -> int:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        lines = sock.makefile("rb")
        send(sock, {"v": 1, "cmd": "acquire", "sharing": "exclusive", "count": 2})
        answer = json.loads(lines.readline())
        os.close(told)
        while answer.get("event") == "waiting":
            answer = json.loads(lines.readline())
        if answer.get("event") != "granted":
            os.write(2, f"{number}: {answer}\n".encode())
            return 1
        os.write(1, f"{number}\n".encode())
        send(sock, {"v": 1, "cmd": "release", "lease": answer["lease"]})
        return 0 if json.loads(lines.readline()).get("ok") else 1


def send(sock: socket.socket, message: dict[str, object]) -> None:
    sock.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
