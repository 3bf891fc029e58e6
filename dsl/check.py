"""Bytes to :class:`Result`: read, apply all rules, build the models."""

from __future__ import annotations

import os
from collections.abc import Sequence

from . import MAX_FINDINGS, Result, ast, model
from .codes import report
from .diagnostics import Diagnostic
from .files import Reader, Unit
from .resolve import Layouts, Scope, build
from .source import Source, Span
from .validate import validate


def check(path: str | os.PathLike[str], text: bytes | None, folders: Sequence[str]) -> Result:
    """As :func:`imsgen.dsl.load`."""
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
    devices: tuple[model.Device, ...] = ()
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
