"""Bytes to :class:`Result`: decode, parse, apply all rules, build the models."""

from __future__ import annotations

import os
import re

from . import MAX_BYTES, MAX_FINDINGS, Result, ast, model
from .codes import report
from .diagnostics import Diagnostic
from .parser import parse
from .resolve import Scope, build
from .source import Source, Span
from .validate import DEVICE_RULES, FILE_RULES

#: Control characters but tab and line ends, a lone carriage return, and bidi controls.
FORBIDDEN = re.compile(
    "(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n))+"
)


def check(path: str | os.PathLike[str], text: bytes | None) -> Result:
    """As :func:`imsgen.dsl.load`."""
    name = os.fspath(path)
    if text is None:
        try:
            with open(path, "rb") as file:
                # A device file has no end: never read more than can be right.
                text = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return _refuse("IMS001", f"can't read the file: {reason}", _nowhere(name))
    if len(text) > MAX_BYTES:
        return _refuse(
            "IMS002",
            f"the file has more than {MAX_BYTES:,} bytes",
            _nowhere(name),
            hint="a description of interrupts has a few KiB: is this the right file?",
        )
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        source = Source(name, text.decode("utf-8", errors="replace"))
        at = len(text[: error.start].decode("utf-8"))
        return _refuse(
            "IMS003",
            f"byte 0x{text[error.start]:02x} at offset {error.start} is not UTF-8",
            Span(source, at, at + 1),
            hint="save the file as UTF-8",
        )
    source = Source(name, decoded.removeprefix("\ufeff"))
    found: list[Diagnostic] = []
    harmless = FORBIDDEN.sub(lambda match: _forbidden(source, match, found), source.text)
    tree, mistakes = parse(source, harmless)
    found += mistakes
    scopes = [Scope(item) for item in tree.items if isinstance(item, ast.DeviceDecl)]
    if not tree.items and not found:
        found.append(
            report(
                "IMS005",
                "the file describes no device",
                Span(source, 0, 0),
                hint="write `device NAME { ... }`",
            )
        )
    for scope in scopes:
        for rule in DEVICE_RULES:
            found += rule(scope)
    for file_rule in FILE_RULES:
        found += file_rule(scopes)
    found.sort(key=lambda item: (item.span.start, item.span.end, item.code, item.message))
    devices: tuple[model.Device, ...] = ()
    if not any(item.is_error for item in found):
        devices = tuple(build(scope, os.path.basename(name)) for scope in scopes)
    if len(found) > MAX_FINDINGS:
        # Errors first: a file that gives no devices says why.
        message = f"only {MAX_FINDINGS} findings are shown, of {len(found):,} or more"
        kept = sorted(found, key=lambda item: not item.is_error)[:MAX_FINDINGS]
        found = sorted(kept, key=lambda item: item.span.start)
        end = Span(source, len(source.text), len(source.text))
        found.append(report("IMS017", message, end))
    return Result(devices, tuple(found))


def _refuse(code: str, message: str, span: Span, hint: str = "") -> Result:
    return Result((), (report(code, message, span, hint=hint),))


def _nowhere(name: str) -> Span:
    return Span(Source(name, ""), 0, 0)


def _forbidden(source: Source, match: re.Match[str], found: list[Diagnostic]) -> str:
    """Report a run of forbidden characters; what is to be read in its place, as long as it."""
    run = match.group()
    names = ", ".join(dict.fromkeys(f"U+{ord(c):04X}" for c in run[:8]))
    found.append(
        report(
            "IMS004",
            f"forbidden character {names}",
            Span(source, match.start(), match.end()),
            hint="remove it",
        )
    )
    before = source.text[max(0, match.start() - 1) : match.start()]
    after = source.text[match.end() : match.end() + 1]
    # A word with such a character in it is still one word.
    return ("_" if before.isalnum() and after.isalnum() else " ") * len(run)
