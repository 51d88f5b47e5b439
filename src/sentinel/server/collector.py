"""The garbage collector of a process that keeps much for long. Called by the API and the loops as they begin.

Both mirror every live job. Python's collector looks through all of that again and again, though hardly any of
it is ever part of a cycle: pauses that grow with the queue, for nothing.
"""

import gc

NEWEST, MIDDLE, OLDEST = 50_000, 20, 50


def collect_seldom() -> None:
    """What is there by now (modules, mostly) is never looked at again; the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEWEST, MIDDLE, OLDEST)
