"""The language front end: ``load`` turns a file into devices and findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import ast
from .codes import report
from .diagnostics import MAX_FINDINGS, Diagnostic
from .files import Reader, Unit
from .model import Device
from .resolve import Layouts, Scope, build
from .rules import validate
from .source import MAX_BYTES, Source, Span

__all__ = ["MAX_BYTES", "MAX_FINDINGS", "Result", "load"]


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
    name = os.fspath(path)
    reader = Reader(folders)
    unit = reader.main(name, text)
    found = reader.found
    if unit is None:
        return Result((), tuple(found))
    units = list(unit.all())
    layouts = Layouts((item for one in units for item in one.layouts), reader.lost)
    scopes = [Scope(item, layouts) for item in unit.tree.items if isinstance(item, ast.DeviceDecl)]
    if not found and not scopes:
        found.append(_nothing(unit))
    found += validate(unit, scopes, layouts)
    order: dict[Source, int] = {one.source: number for number, one in enumerate(units)}
    last = len(order)
    found.sort(
        key=lambda item: (
            order.get(item.span.source, last),
            item.span.start,
            item.span.end,
            item.code,
            item.message,
        )
    )
    devices: tuple[Device, ...] = ()
    if not any(item.is_error for item in found):
        devices = tuple(build(scope, os.path.basename(name)) for scope in scopes)
    if len(found) > MAX_FINDINGS:
        # Errors first: a file that gives no devices says why.
        message = f"only {MAX_FINDINGS} findings are shown, of {len(found):,} or more"
        kept = {
            id(item) for item in sorted(found, key=lambda item: not item.is_error)[:MAX_FINDINGS]
        }
        found = [item for item in found if id(item) in kept]
        end = Span(unit.source, len(unit.source.text), len(unit.source.text))
        found.append(report("IMS017", message, end))
    return Result(devices, tuple(found), tuple(one.source.name for one in units[1:]))


def _nothing(unit: Unit) -> Diagnostic:
    hint = "write `device NAME { ... }`"
    if unit.tree.items:
        hint = "check a device that includes it: this file holds layouts only"
    return report("IMS005", "the file describes no device", Span(unit.source, 0, 0), hint=hint)
