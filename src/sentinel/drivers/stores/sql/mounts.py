"""Whether a folder is on a file system that SQLite must not be on. Asked before a database there is opened.

In its write-ahead mode SQLite shares memory between processes through a file (mmap) and relies on locks of
that file. Between machines neither holds, and a database that two machines write to is destroyed without a
word. Refused is what can be open on another machine as well, or hands through the files of a host that may
have them open itself (9p, as in WSL's /mnt/c, where not even processes share such memory). An unknown file
system is taken for a local one.

/proc/self/mountinfo, proc(5): the fifth field is where it is mounted, with octal escapes, and the first after
" - " its type: "36 35 98:0 / /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw".
"""

import re

NETWORKED = frozenset(
    "nfs nfs4 cifs smb3 smbfs ncpfs afs coda 9p ceph lustre gpfs beegfs panfs pvfs2 orangefs glusterfs ocfs2 "
    "gfs2 fuse.sshfs fuse.glusterfs fuse.ceph fuse.ceph-fuse fuse.cephfs fuse.s3fs fuse.rclone fuse.juicefs "
    "fuse.gcsfuse fuse.beegfs fuse.davfs2 fuse.goofys fuse.moosefs fuse.mfs fuse.lizardfs fuse.seaweedfs "
    "fuse.curlftpfs".split()
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def networked(mountinfo: str, path: str) -> str | None:
    """The type of the file system that `path` (absolute, without links) is on, if it is such a one."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        at = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
        # Of two mounts at one place the later one covers the earlier.
        if len(at) >= len(best) and (path == at or path.startswith(at.rstrip("/") + "/")):
            best, kind = at, source.split(" ")[0]
    return kind if kind in NETWORKED else None
