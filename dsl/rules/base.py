"""What all rules share."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes import report
from ..diagnostics import Diagnostic, Place
from ..source import Span

#: What a rule gives: its findings in a device or file.
Found = Iterator[Diagnostic]

#: Unknown names of one device for which a near one is looked for.
MAX_GUESSES = 50


def count(number: int, what: str) -> str:
    """``number`` with its unit in the singular or plural."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def again(what: str, span: Span, first: Span) -> Diagnostic:
    """A second statement of what can be said once."""
    return report(
        "IMS040",
        f"`{what}` is said twice",
        span,
        "said again here",
        "remove one of the two",
        [Place(first, "first said here")],
    )
