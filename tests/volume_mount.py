"""A folder mounted with the rules of a Unity Catalog Volume: files are written once, from start to end.

Refused, and noted in a log: appending, writing elsewhere than at the end, cutting a file short, opening for reading and
writing, chmod, chown, links, renames of folders. With direct input and output shared memory maps fail as well.
After Databricks' documentation (Volumes, limitations; November 2026) and what was seen on other mounts of object
storage. Files below LOCAL are a local engine's and follow no rules; nor does a JVM, because a workspace's engine
reaches its Volumes by a way of its own.

As a program: `python volume_mount.py FOLDER MOUNT LOG`.

Limits: a new file that is opened for appending, or for reading and writing, is seen by its writes only; locks are the
kernel's own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import mfusepy as fuse
except (ImportError, OSError) as missing:  # the second: no libfuse
    fuse, MISSING = None, f"{missing}: pip install mfusepy, and Debian's libfuse2 or libfuse3"
else:
    MISSING = "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "/dev/fuse cannot be opened: be root, or load fuse"

LOCAL = ("lake", "mlartifacts", "mlflow.db", "kslm.lock", "kslm.pid")
_STAT = ("atime_ns", "ctime_ns", "gid", "mode", "mtime_ns", "nlink", "size", "uid")
_SPACE = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "flag", "frsize", "namemax")


def is_local(path: str) -> bool:
    """Whether a path, relative to the home, belongs to a local engine."""
    return path.strip("/").split("/")[0].removesuffix("-journal") in LOCAL


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A mount below `folder`, and the log of what was refused; what folder/behind holds already is in it."""
    behind, mount, log = folder / "behind", folder / "mount", folder / "refused.log"
    behind.mkdir(exist_ok=True)
    mount.mkdir()
    log.touch()
    command = [sys.executable, __file__, str(behind), str(mount), str(log)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while not mount.is_mount():
            if process.poll() is not None:
                raise RuntimeError(f"not mounted: {process.communicate()[1]}")
            time.sleep(0.02)
        yield mount, log
    finally:
        process.terminate()  # libfuse unmounts
        process.wait()
        if mount.is_mount():
            subprocess.run(["umount", "-l", str(mount)], check=False)


def serve(behind: str, mount: str, log: str) -> None:
    """Mount, until terminated."""

    class Volume(fuse.Operations):
        use_ns = True

        def __init__(self) -> None:
            self.paths: dict[int, str] = {}
            self.ends: dict[int, int] = {}
            self.guard = threading.Lock()

        def _refuse(self, what: str, path: str, code: int = errno.EOPNOTSUPP) -> None:
            if not is_local(path) and not _is_java(fuse.fuse_get_context()[2]):
                with self.guard, open(log, "a") as stream:
                    stream.write(f"{what} {path}\n")
                raise fuse.FuseOSError(code)

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            found = os.lstat(behind + path)
            return {f"st_{name.removesuffix('_ns')}": getattr(found, f"st_{name}") for name in _STAT}

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *os.listdir(behind + path)]

        def statfs(self, path: str) -> dict[str, int]:
            found = os.statvfs(behind + path)
            return {f"f_{name}": getattr(found, f"f_{name}") for name in _SPACE}

        def mkdir(self, path: str, mode: int) -> int:
            os.mkdir(behind + path, mode)
            return 0

        def rmdir(self, path: str) -> int:
            os.rmdir(behind + path)
            return 0

        def unlink(self, path: str) -> int:
            os.unlink(behind + path)
            return 0

        def utimens(self, path: str, times: Any = None) -> int:
            os.utime(behind + path, ns=times)
            return 0

        def chmod(self, path: str, mode: int) -> int:
            self._refuse("chmod", path, errno.EPERM)
            os.chmod(behind + path, mode)
            return 0

        def chown(self, path: str, uid: int, gid: int) -> int:
            self._refuse("chown", path, errno.EPERM)
            return 0

        def symlink(self, target: str, source: str) -> int:
            self._refuse("symlink", target, errno.ENOSYS)
            os.symlink(source, behind + target)
            return 0

        def readlink(self, path: str) -> str:
            return os.readlink(behind + path)

        def link(self, target: str, source: str) -> int:
            self._refuse("link", target, errno.ENOSYS)
            os.link(behind + source, behind + target)
            return 0

        def rename(self, old: str, new: str) -> int:
            if os.path.isdir(behind + old):
                self._refuse("rename of a folder", old, errno.ENOSYS)
            os.rename(behind + old, behind + new)
            return 0

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            handle = os.open(behind + path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)
            self.paths[handle], self.ends[handle] = path, 0
            return handle

        def open(self, path: str, flags: int) -> int:
            size = os.path.getsize(behind + path)
            if flags & os.O_APPEND:
                self._refuse("append", path)
            if flags & os.O_RDWR:
                self._refuse("open for reading and writing", path)
            handle = os.open(behind + path, flags & ~os.O_APPEND)
            self.paths[handle], self.ends[handle] = path, size  # what cuts it to nothing comes after this
            return handle

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            if offset != self.ends[fh]:
                self._refuse(f"write at {offset} of {self.ends[fh]}", path)
            written = os.pwrite(fh, data, offset)
            self.ends[fh] = offset + written
            return written

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            if length:
                self._refuse(f"truncate to {length}", path)
            os.truncate(behind + path, length)
            self.ends |= {handle: length for handle, opened in self.paths.items() if opened == path}
            return 0

        def flush(self, path: str, fh: int) -> int:
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            return 0

        def release(self, path: str, fh: int) -> int:
            del self.ends[fh], self.paths[fh]
            os.close(fh)
            return 0

    options = {"direct_io": True, "big_writes": True, "fsname": "volume"}
    fuse.FUSE(Volume(), mount, foreground=True, **options)


def _is_java(pid: int) -> bool:
    """Whether a process is a JVM, or was started by one: Hadoop's calls the program chmod."""
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return any(Path(f"/proc/{one}/exe").readlink().name == "java" for one in (pid, parent))
    except OSError:
        return False


if __name__ == "__main__":
    serve(*sys.argv[1:4])
