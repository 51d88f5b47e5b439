"""The agent's link to the controller: how a node joins, beats, fetches what is to run and reports on it.

`assembly` puts it together for an agent that has joined; one that runs standalone imports none of this. Who
says what to whom is in docs/queue.md.

    polling ──▶ executor ◀──▶ line (the supervisor's socket)
                   │  ▲
                   ▼  │ verdicts
                 outbox ──▶ reporter        node_watch ──▶ beats        logs        attach

Each arrow out of the machine is a thread with a connection of its own, so that none waits for another.
What is decided is pure: `reconcile`, `report`, `blocking`, `leftovers`.
"""
