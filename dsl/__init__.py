"""The language front end: ``load`` turns a file into devices and findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from .diagnostics import Diagnostic
from .model import Device

__all__ = ["Result", "load"]

#: Bytes that a file may have.
MAX_BYTES = 1 << 20

#: Findings that are given for one file at most.
MAX_FINDINGS = 500


@dataclass(frozen=True)
class Result:
    """What a file gives: ``devices`` is empty where there are errors."""

    devices: tuple[Device, ...]
    diagnostics: tuple[Diagnostic, ...]
    #: The files that were included, by the names that findings show.
    included: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings may be there."""
        return not any(found.is_error for found in self.diagnostics)


def load(
    path: str | os.PathLike[str],
    text: bytes | None = None,
    folders: Sequence[str] = (),
) -> Result:
    """Read, parse and check one file.

    ``text`` is what the file holds where the caller has it already; ``path`` then only names
    it, and the folder that what it includes is looked for in.  ``folders`` are more of those.
    Never raises for bad input: what is wrong, the file that can't be opened too, is in
    ``Result.diagnostics``, ordered by place.
    """
    from .check import check

    return check(path, text, folders)
