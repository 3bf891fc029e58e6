"""What is wrong with a file, where, and how to mend it; as text and as plain data."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .source import Source, Span

#: Findings that are given for one file at most.
MAX_FINDINGS = 500

#: Columns of a source line that are shown at most; longer lines are cut around the place.
LINE_WIDTH = 100

#: Characters of a name or text that a message quotes at most.
QUOTE_WIDTH = 40


class Severity(enum.Enum):
    """How bad it is: an error gives no devices, a warning does."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Place:
    """A second place that matters, and what is there."""

    span: Span
    label: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding.  ``code`` is a key of :data:`imsgen.dsl.codes.CODES`."""

    code: str
    severity: Severity
    message: str
    span: Span
    label: str = ""
    secondary: tuple[Place, ...] = ()
    hint: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the file can't be used."""
        return self.severity is Severity.ERROR

    def to_dict(self) -> dict[str, Any]:
        """The JSON form.  Lines and columns count from 1; ends are excluded."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "file": self.span.source.name,
            "span": self.span.as_list(),
            "label": self.label,
            "secondary": [
                {
                    "file": place.span.source.name,
                    "span": place.span.as_list(),
                    "label": place.label,
                }
                for place in self.secondary
            ],
            "hint": self.hint,
        }


def quote(text: str) -> str:
    """``text`` in backquotes for a message: printable, on one line, not too long."""
    shown = printable(text)
    if len(shown) > QUOTE_WIDTH:
        shown = shown[: QUOTE_WIDTH - 3] + "..."
    return f"`{shown}`"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most likely a slip for, else None."""
    if len(word) > 64:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), sorted(known)[:100], 1, 0.65)
    return found[0] if found else None


def printable(text: str) -> str:
    """``text`` with one visible character for each that a terminal might not show as it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in text)


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All findings as text, a blank line after each.  Pure: the same input gives the same text."""
    return "".join(f"{render_one(diagnostic)}\n" for diagnostic in diagnostics)


def closing(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings there are: a line, empty if there are none."""
    found = [diagnostic.severity.value for diagnostic in diagnostics]
    counts = ((found.count(one.value), one.value) for one in Severity)
    shown = ", ".join(f"{nr} {word}{'s' * (nr > 1)}" for nr, word in counts if nr)
    return f"{shown}\n" if shown else ""


def render_one(diagnostic: Diagnostic) -> str:
    """One finding as text: place, message, source lines with carets, help."""
    span = diagnostic.span
    where = f"{printable(span.source.name)}:{span.line}:{span.column}"
    places = [(span, diagnostic.label, "^")]
    places += [(place.span, place.label, "-") for place in diagnostic.secondary]
    width = len(str(max(place.line for place, _, _ in places)))
    out = [f"{where}: {diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"]
    if not span.source.text:
        # Of the whole file, or of a file without a line to show.
        if diagnostic.hint:
            out.append(f"{'':{width}} = help: {diagnostic.hint}")
        return "\n".join(out) + "\n"
    out.append(f"{'':{width}} |")
    for number, (place, label, mark) in enumerate(places):
        if number and place.source is not places[number - 1][0].source:
            name = printable(place.source.name)
            out.append(f"{'':{width}}::: {name}:{place.line}:{place.column}")
            out.append(f"{'':{width}} |")
        elif number:
            out.append("..." if place.line != places[number - 1][0].line else f"{'':{width}} |")
        out.extend(_excerpt(place, label, mark, width))
    if diagnostic.hint:
        out.append(f"{'':{width}} |")
        out.append(f"{'':{width}} = help: {diagnostic.hint}")
    return "\n".join(out) + "\n"


def _excerpt(span: Span, label: str, mark: str, width: int) -> Iterator[str]:
    """The span's first line with a line of marks below it."""
    source: Source = span.source
    line, column, end_line, end_column = span.as_list()
    text = source.line_text(line)
    start = column - 1
    end = end_column - 1 if end_line == line else len(text)
    left = 0
    if len(text) > LINE_WIDTH:
        left = max(0, min(start - LINE_WIDTH // 4, len(text) - LINE_WIDTH))
        text = text[left : left + LINE_WIDTH]
        start, end = start - left, min(end - left, len(text))
    shown = printable(text.replace("\t", " "))
    yield f"{line:{width}} | {shown}".rstrip()
    marks = " " * start + mark * max(1, end - start)
    yield f"{'':{width}} | {marks} {label}".rstrip()
