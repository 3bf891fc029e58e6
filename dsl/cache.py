"""Where tables and byte code stay between two runs: folders of the user's own."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from typing import IO


def folder(name: str) -> str | None:
    """The folder ``name`` in the user's cache, made where it isn't there; None if it can't be.

    What lies there is as good as code, so nobody else may have put it there.  ``name`` holds the
    version of what writes there, and this adds Python's: no other version's tables are ever read.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser(os.path.join("~", ".cache"))
    path = os.path.join(base, "imsgen", "compiled", f"{name}-{sys.implementation.cache_tag}")
    if not os.path.isabs(path):
        return None
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.stat(path)
    except OSError:
        return None
    own = found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if own else None


def keep(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Make a file of what ``write`` writes, as a whole or not at all: others may read or write it
    at the same time.  Where it can't be made, the next run does without, too.
    """
    try:
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
            part = os.path.join(scratch, "part")
            with open(part, "wb") as file:
                write(file)
            os.replace(part, path)
    except OSError:
        pass
