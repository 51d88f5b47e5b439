"""How the store keeps what a Slurm cluster said last. Written by the server's watch, read by the route.

    document KIND, key KEY    {"version", "nodes", "cpus", "gpus", "queue", "scheduler"}, as in
                              api.slurm_shapes; a part that could not be read is null
    setting LOOKED            {"at": EPOCH | null, "tried_at": EPOCH, "every": SECONDS, "sources": [TEXT…],
                              "error": TEXT | null}

`at`: when the document was last known to be right; `every`: how often that is said at least; `error`: why the
last look did not see everything.
"""

KIND, KEY = "slurm", "cluster"
LOOKED = "slurm"
