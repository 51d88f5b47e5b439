"""A job of the tests: all parts of a gang meet at MASTER_ADDR:MASTER_PORT, add up what each has, as the first
steps of distributed training do, and end with the codes given by rank. Standard library alone.

    python rendezvous.py CODE,CODE…
"""

import json
import os
import socket
import sys
import time

PATIENCE = 20.0


def main() -> int:
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    total, heard = gather(place, rank, size) if rank == 0 else join(place, rank)
    told = {name: os.environ.get(name) for name in ("NODE_RANK", "LOCAL_RANK", "SENTINEL_GANG_ID")}
    told |= {name: os.environ[name].split(",") for name in ("SENTINEL_NODES", "SENTINEL_HOSTS")}
    net = os.readlink("/proc/self/ns/net")  # noqa: PTH115 - text
    print(json.dumps({"rank": rank, "size": size, "sum": total, "heard": heard, "net": net, **told}))
    return int(sys.argv[1].split(",")[rank])


def gather(place: tuple[str, int], mine: int, size: int) -> tuple[int, list[str]]:
    """The first one's: hears all others, and tells them the sum."""
    with socket.create_server(place) as server:
        server.settimeout(PATIENCE)
        others = [server.accept() for _ in range(size - 1)]
    total = mine + sum(int(connection.recv(64)) for connection, _ in others)
    for connection, _ in others:
        connection.sendall(str(total).encode())
        connection.close()
    return total, sorted(address[0] for _, address in others)


def join(place: tuple[str, int], mine: int) -> tuple[int, list[str]]:
    """Another one's, which may be there before the first."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection = socket.create_connection(place, timeout=PATIENCE)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
    with connection:
        connection.sendall(str(mine).encode())
        return int(connection.recv(64)), [connection.getsockname()[0]]


if __name__ == "__main__":
    sys.exit(main())
