"""What the columns and the words of `sentinel workloads` mean, in at most 80
columns. Texts only.

Called by `sentinel workloads --info` and `--concepts`; `--guided` is in `tour`.
"""

INFO = """\
sentinel workloads: what runs on this machine, whose it is, on which GPUs

TYPE        how it was started: raw-docker, docker-compose, slurm, ...
USER        whose it is, by the best evidence there is; ? is unknown
GPU(S)      which GPUs, by index: 0-3,5    - none    ? unknown which
STATUS      running       (new): seen once only so far, it may be gone soon
            idle 2 h      runs, but its GPU memory lies unused for that long
            paused        stopped for a while by its engine
            unknown (X)   X did not answer; it may well be running
AGE         since its start
NAME        of the container, job or process; cut in the middle when too long

with --wide
ID          as for --evidence; the beginning of one is enough
CPU%        of one core, so 400 % is four of them; MEMORY without page cache
GPU MEMORY  held now, by the driver's own list

Lines above the table say what could not be read.
More: --concepts, --guided, --evidence ID"""

CONCEPTS = """\
WORKLOAD   One container, one Slurm job, or one process outside of both. It is
           listed because it was seen, not because somebody asked for it.

ORIGIN     How it was started. Three categories hold them all:
             managed              sentinel-managed, ds01-managed
             unmanaged-container  docker-compose, devcontainer, kubernetes,
                                  slurm, podman, raw-docker
             host-process         host-process, system
           A few are "unknown": something runs, and nothing tells as what.

EVIDENCE   What was read about it, and what that says. Some is worth more:
             kernel     cgroups, user ids, the driver's list of processes:
                        nobody can forge these
             runtime    what the container engine enforces: mounts, devices
             declared   labels and environment: whoever started it wrote what
                        they liked
           The best decides. What contradicts it is kept as a conflict and
           shown. See it all: sentinel workloads --evidence ID

GPU        Whether it may use a GPU: it asked for one, was given the device, or
ACCESS     is seen on one. It may still hold no GPU memory.

IDLE       It holds GPU memory, and has not used the GPU for a while. Nothing is
           done about it, but its owner may want to know. It is "running" again
           as soon as it computes.

TRANSIENT  Seen once only so far. Many processes live for seconds: they are
           recorded, and marked "(new)" until they are seen again.

UNKNOWN    A source (docker, the driver, ...) did not answer. That is not "gone"
           and not "idle": what ran is shown as last seen, and nothing is
           announced as ended.

MARK       What runs outside Sentinel's rule is marked as found, with its user
           and the time, once. Nothing else is done to it: it is not stopped,
           moved or limited."""
