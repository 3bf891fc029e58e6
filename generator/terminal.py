"""What commands share of talking to whoever calls: exit codes, failures, streams, the parser.

The language is loaded when it is needed only: until then an interrupt finds little to stop.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import IO, Any, NoReturn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.text import Text

    from imsgen.dsl.diagnostics import Diagnostic

OK, FAILED, USAGE = 0, 1, 2

#: What standard input is called, in findings and in what is made: so no `<` and `>`.
STDIN = "stdin"


class Failure(Exception):
    """Ends the run with exit code 1; what there is to say was said, or is the text."""


class Parser(argparse.ArgumentParser):
    """As argparse's, which shows unknown arguments as they are, and hides a full output."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        from imsgen.dsl.diagnostics import printable

        try:
            super().error(printable(message))
        except OSError:
            self.exit(USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:
        out: IO[str] = file or sys.stderr
        out.write(message)


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Where included files are looked for."""
    parser.add_argument(
        "-I",
        dest="folders",
        metavar="DIR",
        action="append",
        help="look for included files here too, beside the including file; several may be given",
    )


def read_stdin() -> bytes:
    """What standard input holds; never more than can be right, since a pipe may have no end."""
    from imsgen.dsl import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def wrong_name(path: str) -> str:
    """Why a layout's file name can't stand in what is made; empty where it can."""
    name = os.path.basename(path)
    # What is no file is said when it is read.
    if not name or re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name):
        return ""
    return (
        f"error: {path!r}: the name stands in what is made, so it can have letters, digits and "
        "_ . + - only"
    )


def say(text: str) -> None:
    """A line to standard error, which may be full: then there is nobody to tell."""
    from imsgen.dsl.diagnostics import printable

    try:
        print(f"imsgen: {printable(text)}", file=sys.stderr)
    except OSError:
        pass


def report(found: Sequence[Diagnostic]) -> None:
    """Findings and how many they are to standard error, in colour where that is a terminal."""
    try:
        _show(found)
    except OSError:
        pass  # standard error is full, and nobody else to tell


def _show(found: Sequence[Diagnostic]) -> None:
    if not found:
        return
    from imsgen.dsl.diagnostics import closing, render

    text = render(found) + closing(found)
    if not _colourful():
        sys.stderr.write(text)
        return
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(coloured(text), end="")


def coloured(text: str) -> Text:
    """Findings as ``diagnostics.render`` writes them, in the colours of a terminal."""
    from rich.text import Text

    made = Text(text, end="")
    made.highlight_regex(r"(?m)^\S+:\d+:\d+: error\[\w+\]", "bold red")
    made.highlight_regex(r"(?m)^\S+:\d+:\d+: warning\[\w+\]", "bold yellow")
    made.highlight_regex(r"(?m)^ *\| +\^+.*$", "red")
    made.highlight_regex(r"(?m)^ *\| +-+.*$", "blue")
    made.highlight_regex(r"(?m)^ *= help:.*$", "cyan")
    return made


def _colourful() -> bool:
    return (
        sys.stderr.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
    )
