"""What mends a finding: its hint as an edit, where it is one that surely helps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import Result, load
from ..diagnostics import Diagnostic
from .symbols import Edit, RenameError, apply, rename

_MEANT = re.compile(r"did you mean `([^`]+)`\?")
_MISSING = re.compile(r"`(.)` is missing")
_OTHER_NAME = re.compile(r"choose another name, for instance `(\w+)`")

_REMOVED = ("remove it", "remove this", "remove one of the two", "remove `")


@dataclass(frozen=True)
class Fix:
    """An edit that takes a finding away, and what it is called."""

    title: str
    finding: Diagnostic
    edits: tuple[Edit, ...]


def fixes(name: str, text: bytes, folders: Sequence[str] = ()) -> list[Fix]:
    """A fix for each finding of the file that has one.

    Each has been tried: the finding goes away, and no other one comes.
    """
    result = load(name, text, folders)
    out = []
    for finding in result.diagnostics:
        if finding.span.source.name != name:
            continue
        for title, edits in _candidates(name, text, finding, folders):
            if _helps(result, load(name, apply(text, edits), folders), finding):
                out.append(Fix(title, finding, tuple(edits)))
                break
    return out


def _helps(before: Result, after: Result, finding: Diagnostic) -> bool:
    left = [(item.code, item.message) for item in before.diagnostics]
    left.remove((finding.code, finding.message))
    for item in after.diagnostics:
        known = (item.code, item.message)
        if known not in left:
            return False
        left.remove(known)
    return True


def _candidates(
    name: str, text: bytes, finding: Diagnostic, folders: Sequence[str]
) -> Iterator[tuple[str, list[Edit]]]:
    span = finding.span
    here = span.source.text[span.start : span.end]
    if match := _MEANT.search(finding.hint):
        word = match.group(1)
        quoted = f'"{word}"' if here.startswith('"') else word
        yield f"Change to `{word}`", [Edit(span.start, span.end, quoted)]
    if match := _MISSING.match(finding.message):
        yield f"Insert `{match.group(1)}`", [Edit(span.start, span.end, match.group(1))]
    if match := _OTHER_NAME.search(finding.hint):
        new = match.group(1)
        try:
            yield f"Rename to `{new}`", rename(name, text, span.start, new, folders)
        except RenameError:
            pass
    if finding.code == "IMS007":
        yield "Close the text", [Edit(span.end, span.end, '"')]
    if finding.code == "IMS016":
        yield from _comment(finding)
    if finding.hint == "remove the blanks":
        yield "Remove the blanks", [Edit(span.start, span.end, f'"{here[1:-1].strip()}"')]
    elif finding.hint.startswith(_REMOVED):
        yield "Remove this", [_removed(span.source.text, span.start, span.end)]


def _comment(finding: Diagnostic) -> Iterator[tuple[str, list[Edit]]]:
    """A comment of C on one line, which ends it, as one of the language."""
    text = finding.span.source.text
    start = finding.span.start
    line_end = text.find("\n", start)
    match = re.match(r"/\*(.*?)\*/[ \t]*\Z", text[start : line_end if line_end >= 0 else None])
    if match:
        made = f"# {match.group(1).strip()}".rstrip()
        yield "Make it a comment", [Edit(start, start + len(match.group()), made)]


def _removed(text: str, start: int, end: int) -> Edit:
    """Characters to remove, with the rest of their line where nothing else is in it."""
    line = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    if line_end >= 0 and not (text[line:start] + text[end:line_end]).strip():
        return Edit(line, line_end + 1, "")
    return Edit(start, end, "")
