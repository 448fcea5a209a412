"""Small files, read and replaced whole: never a device, a pipe or more than was expected."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

MOST: Final = 4 * 1024 * 1024
"""Bytes of a migration map, a receipt or a history: far past the largest that makes sense."""

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_small(path: str | Path, most: int = MOST) -> bytes:
    """Return a file's bytes, through symbolic links. It never waits for a pipe's other end.

    Args:
        path: of a regular file.
        most: bytes that it may have.

    Raises:
        OSError: it can't be read, is not a regular file, or is larger. `strerror` says which.
    """
    # A pipe that is opened to be read would wait until somebody opens it to write.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    try:
        kind = stat.S_IFMT(os.fstat(handle).st_mode)
        if kind != stat.S_IFREG:
            what = _KINDS.get(kind, "something else")
            raise OSError(errno.EINVAL, f"it is {what}, not a regular file", str(path))
        parts = []
        left = most + 1
        while left > 0 and (part := os.read(handle, min(left, 1024 * 1024))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(handle)
    if left <= 0:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(path))
    return b"".join(parts)


def replace_file(path: str | Path, data: bytes) -> None:
    """Replace a file in one step, through symbolic links, or make it. Owner and mode stay.

    Where the owner can't be kept in a new file (it is another user's, and this process is not
    root), the old one is written over instead, which its readers may see half done.

    Raises:
        OSError: it can't be written; it is as it was.
    """
    target = Path(path).resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(partial, flags, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            kept = _keep_owner(target, file.fileno())
        if kept:
            partial.replace(target)
            return
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.unlink()
    _write_over(target, data)


def _keep_owner(target: Path, handle: int) -> bool:
    """Give a new file the owner and mode of the one that it replaces; False where it can't be."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return True
    if sys.platform == "win32":
        return True
    new = os.fstat(handle)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(handle, old.st_uid, old.st_gid)
        except PermissionError:
            return False
    os.fchmod(handle, stat.S_IMODE(old.st_mode))
    return True


def _write_over(target: Path, data: bytes) -> None:
    handle = os.open(target, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
