"""What the package build has made ahead of a run, and whether that is still true.

Sources are the grammar, the templates, the edit scripts and the kernel profiles; nothing that is
made of them is kept in the repository.  A build puts modules of constants beside the sources
(``imsgen.generator.build``).  Each names the files that it was made of with their digests: where a
file is another one now, or there is no such module, the source itself is used.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping

#: The folder of this distribution's packages; in the repository, its root.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def digest(path: str) -> int | None:
    """The CRC-32 of a file given relative to :data:`PACKAGE`; None if it can't be read."""
    try:
        with open(os.path.join(PACKAGE, path), "rb") as file:
            return zlib.crc32(file.read())
    except OSError:
        return None


def fresh(sources: Mapping[str, int]) -> bool:
    """Whether all files are the ones that something was made of."""
    return all(digest(path) == value for path, value in sources.items())
