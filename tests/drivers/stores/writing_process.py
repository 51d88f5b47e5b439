"""A process that writes to a store until it is done or killed, for the tests beside it. Run as a program:

    python writing_process.py URL NAME COUNT ROUNDS

It adds COUNT jobs, NAME0, NAME1, …, and changes them round by round, many works in flight at once. Each work
that was answered is told on a line: "add ID" or "put ID ROUND".
"""

import sys
from concurrent.futures import Future
from dataclasses import replace

from tests.drivers.stores.cases import event, job, lease

from sentinel.drivers.stores.opening import open_store
from sentinel.ports.store import Transaction

IN_FLIGHT = 20


def adds(tx: Transaction, id: str) -> str:
    """All or nothing: a job, its environment, its event, its lease, its share of what all share."""
    tx.add_job(job(id, reason="-1"), {"ID": id})
    tx.add_event(event(id))
    tx.take_lease(lease(id, f"GPU-{id}", job=id))
    tx.take_lease(lease(f"{id}+", "GPU-all", job=id, milli=20))
    return f"add {id}"


def puts(tx: Transaction, id: str, round: int) -> str:
    found = tx.job(id)
    assert found is not None
    assert int(found.reason) == round - 1
    tx.put_job(replace(found, reason=str(round)))
    tx.free_lease(f"{id}+")
    tx.take_lease(lease(f"{id}+", "GPU-all", job=id, milli=20 - round % 3))
    tx.add_event(event(id, "put", data={"round": round}))
    return f"put {id} {round}"


def main(url: str, name: str, count: int, rounds: int) -> None:
    store = open_store(url)
    ids = [f"{name}{number}" for number in range(count)]
    flying: list[Future[str]] = []

    def fly(future: "Future[str]") -> None:
        flying.append(future)
        if len(flying) >= IN_FLIGHT:
            print(flying.pop(0).result(30), flush=True)

    for id in ids:
        fly(store.submit(lambda tx, id=id: adds(tx, id)))
    for round in range(rounds):
        for id in ids:
            fly(store.submit(lambda tx, id=id, round=round: puts(tx, id, round)))
    for future in flying:
        print(future.result(30), flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
