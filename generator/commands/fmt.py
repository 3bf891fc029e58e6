"""``imsgen fmt``: layouts in the one form that they are written in."""

from __future__ import annotations

import argparse
from difflib import unified_diff

from imsgen.dsl import MAX_BYTES, bounded
from imsgen.dsl.diagnostics import printable
from imsgen.dsl.format import FormatError, Formatted, format_text

from ..terminal import FAILED, OK, Failure, report, say
from .common import add_input, check_once, new_parser, put, read, replace


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "fmt",
        "Write layouts in their one form: comments stay, what is said stays, which is proven "
        "before anything is written. Files of layouts that others include are formatted too.",
    )
    add_input(made, many=True)
    made.add_argument(
        "--check",
        action="store_true",
        help="write nothing, name the files that would change (exit code 1)",
    )
    made.add_argument(
        "--diff", action="store_true", help="write nothing, show what would change as a diff"
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Format all files, or none where one of them has errors."""
    check_once(args.files)
    folders = tuple(args.folders or ())
    files = [_File(path, folders) for path in args.files]
    if any(file.formatted.text is None for file in files):
        raise Failure
    changed = False
    for file in files:
        new = file.formatted.text
        assert new is not None
        differs = file.old != new
        changed |= differs
        if args.diff:
            put(file.diff(new))
        elif not args.check:
            _write(file, new)
        if args.check and differs:
            say(f"not formatted: {file.name}")
    return FAILED if args.check and changed else OK


class _File:
    """One file with its text and what becomes of it; errors have been said."""

    def __init__(self, path: str, folders: tuple[str, ...]) -> None:
        self.path = path
        self.name, text = read(path)
        if text is None:
            text = _text_of(path)
        self.old = text.decode("utf-8", "replace")
        try:
            self.formatted: Formatted = format_text(self.name, text, folders)
        except FormatError as error:
            raise Failure(f"error: the formatter failed, nothing was written: {error}") from error
        if self.formatted.text is None:
            report(self.formatted.result.diagnostics)

    def diff(self, new: str) -> str:
        """A unified diff to the new text."""
        lines = unified_diff(
            self.old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            printable(self.name),
            printable(self.name),
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _text_of(path: str) -> bytes:
    try:
        return bounded.read(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Failure(f"error: {path}: {reason}") from error


def _write(file: _File, new: str) -> None:
    if file.path == "-":
        put(new)
    elif file.old != new:
        replace(file.path, new)
        put(f"{printable(file.name)}: formatted\n")
