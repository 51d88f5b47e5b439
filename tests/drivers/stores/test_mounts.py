"""Which file system a folder is on, told from what the kernel says."""

import pytest

from sentinel.drivers.stores.sql.mounts import networked

MOUNTS = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:30 / /home rw shared:9 - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/local rw - xfs /dev/sdb rw
32 21 0:32 / /mnt/with\040space rw master:1 propagate_from:2 - cifs //host/share rw
33 21 0:33 / /work rw - tmpfs tmpfs rw
34 33 0:34 / /work rw - fuse.sshfs host: rw
35 21 0:35 / /over rw - nfs host:/x rw
36 35 0:36 / /over rw - ext4 /dev/sdc rw
37 21 0:37 / /mnt/c rw - 9p C: rw
38 21 0:38 / /merged rw - fuse.mergerfs a:b rw
a line that nobody understands
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/sentinel/controller.db", None),
        ("/home/ann/x.db", "nfs4"),
        ("/home/local/x.db", None),
        ("/homely/x.db", None),
        ("/mnt/with space/x.db", "cifs"),
        ("/mnt/with/x.db", None),
        ("/work/x.db", "fuse.sshfs"),
        ("/over/x.db", None),
        ("/mnt/c/Users/x.db", "9p"),
        ("/merged/x.db", None),
        ("/", None),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, kind: str | None) -> None:
    assert networked(MOUNTS, path) == kind


def test_nothing_known_is_taken_for_local() -> None:
    assert networked("", "/x") is None
