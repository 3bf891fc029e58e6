"""Reading with a limit: regular files only, and never more of one than can be right.

What is read may come from anybody: a link to a device without end, a pipe that nobody writes to, a
file with a hole of gigabytes.  None of them is opened, or read further than to the limit.
"""

from __future__ import annotations

import errno
import os
import stat

_CHUNK = 1 << 16


def read(path: str, most: int, *, follow: bool = True) -> bytes:
    """The content of a regular file; without ``follow`` a link is none.

    At most ``most`` + 1 bytes are given: whoever gets more than ``most`` knows that there are too
    many.  Raises OSError.
    """
    try:
        # Opening a device or a pipe may do something already, so look before, and again behind.
        _check(os.stat(path, follow_symlinks=follow).st_mode, path)
    except FileNotFoundError:
        pass  # opening it says so, too

    def opener(path: str, flags: int) -> int:
        flags |= os.O_NONBLOCK | os.O_NOCTTY
        return os.open(path, flags if follow else flags | os.O_NOFOLLOW)

    with open(path, "rb", buffering=0, opener=opener) as file:
        _check(os.fstat(file.fileno()).st_mode, path)
        parts = []
        left = most + 1
        while left > 0:
            part = file.read(min(left, _CHUNK))
            if not part:
                break
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def read_all(path: str, most: int, *, follow: bool = True) -> bytes:
    """As :func:`read`, but a file that has more than ``most`` bytes raises OSError, too."""
    data = read(path, most, follow=follow)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", path)
    return data


def _check(mode: int, path: str) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "a link, which is not followed", path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
