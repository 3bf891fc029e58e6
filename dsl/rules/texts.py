"""Rules about texts: nothing in quotes may leave the place it is put into."""

from __future__ import annotations

import re

from .. import ast
from ..codes import report
from ..diagnostics import quote
from ..resolve import Scope
from ..source import Span
from .base import Found, again

#: Characters of a title or purpose, a path, a maintainer.
MAX_TEXT, MAX_PATH, MAX_MAINTAINER = 64, 96, 128

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\Z")

_MAINTAINER = re.compile(
    r"(?P<name>[^<>@\"]*[^<>@\"\s]) <[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*>\Z"
)

_MARKUP = re.compile(r"[\\$%`*|]|\w_(?!\w)")

#: What starts a list, field, comment or directive of reStructuredText, or announces a block.
_BLOCK = re.compile(
    r"(?!\w|\(\w)\S+|\(?(?:[0-9]+|[A-Za-z]|[IVXLCDMivxlcdm]+)[.)](?=\s|$)|.*(::)(?:\s|$)"
)

_MAIL = re.compile(
    r"---|diff -|\bFrom[ :]|\bIndex: |[A-Za-z-]+-by:|\+\+\+ |@@ "
    r"|\b(?:Subject|Date|Cc|Fixes|Link|Closes|Change-Id):"
)


def _spoilt(text: ast.Text) -> bool:
    """Whether a forbidden character was in the text, which has been reported."""
    raw = text.span.source.text[text.span.start + 1 : text.span.end]
    return not raw.startswith(text.value)


def _check_text(text: ast.Text, what: str, limit: int, ascii_only: bool = True) -> Found:
    """What holds for every text; yields at most one finding, the worst."""
    if _spoilt(text):
        return
    value = text.value
    if not value or value != value.strip(" \t"):
        yield report(
            "IMS030",
            f"the {what} {'is empty' if not value.strip() else 'has blanks at an end'}",
            text.span,
            hint=("remove the blanks" if value.strip() else "leave it out"),
        )
        return
    if len(value) > limit:
        yield report(
            "IMS031",
            f"the {what} has {len(value)} characters",
            text.span,
            hint=f"at most {limit}",
        )
        return
    for at, char in enumerate(value):
        if not char.isprintable() or (ascii_only and not char.isascii()):
            yield report(
                "IMS032",
                f"the character U+{ord(char):04X} can't be in a {what}",
                _inside(text, at, 1),
                hint=(
                    "only printable ASCII goes into kernel sources"
                    if ascii_only
                    else "only printable characters can be in it"
                ),
            )
            return
    for code, pattern, why, hint in _TRAPS:
        match = pattern.search(value)
        if match:
            yield report(
                code,
                f"{quote(match.group())} can't be in a {what}",
                _inside(text, match.start(), len(match.group())),
                why,
                "a text has no escapes: " * (match.group() == "\\") + hint,
            )
            return


_TRAPS = (
    (
        "IMS033",
        re.compile(r"/\*|\*/"),
        "starts or ends a comment of C",
        "say it in words",
    ),
    (
        "IMS036",
        re.compile(r"\.\./|\.\.\\"),
        "leads out of a folder",
        "leave it out",
    ),
    (
        "IMS035",
        _MAIL,
        "could be taken for a part of a patch or mail",
        "say it in other words",
    ),
    (
        "IMS034",
        _MARKUP,
        "has a meaning in C, Kconfig, format strings or reStructuredText",
        "say it in words",
    ),
)


def _inside(text: ast.Text, at: int, length: int) -> Span:
    start = text.span.start + 1 + at
    return Span(text.span.source, start, start + length)


def _check_words(text: ast.Text, what: str) -> Found:
    """What holds for a text that documentation may have at the start of a line."""
    harm = list(_check_text(text, what, MAX_TEXT))
    yield from harm
    match = _BLOCK.match(text.value)
    if match and not harm and not _spoilt(text):
        at, end = match.span(1) if match[1] else match.span()
        where = "in" if match[1] else "at the start of"
        yield report(
            "IMS034",
            f"{quote(text.value[at:end])} can't be {where} a {what}",
            _inside(text, at, end - at),
            "has a meaning in reStructuredText",
            "say it in words, starting with a letter or a number",
        )


def rule_title(scope: Scope) -> Found:
    """A title is harmless text."""
    if scope.decl.title:
        yield from _check_words(scope.decl.title, "title")


def rule_purpose(scope: Scope) -> Found:
    """A purpose is harmless text."""
    purposes = [item.purpose for item in scope.all_vectors]
    purposes += [item.purpose for item in scope.pools]
    for purpose in purposes:
        if purpose:
            yield from _check_words(purpose, "purpose")


def rule_path(scope: Scope) -> Found:
    """A path stays inside the kernel tree."""
    for item in scope.block.all(ast.PathItem):
        harm = list(_check_text(item.text, "path", MAX_PATH))
        yield from harm
        if not harm and not _spoilt(item.text) and not _PATH.match(item.text.value):
            yield report(
                "IMS036",
                f"{quote(item.text.value)} is not a path inside a kernel tree",
                item.text.span,
                hint='write it as `path "drivers/dma/idxd";`, relative and without `.` or `..`',
            )


def rule_maintainer(scope: Scope) -> Found:
    """A maintainer has a name and a mail address."""
    seen: dict[str, ast.Text] = {}
    for item in scope.maintainers:
        harm = list(_check_text(item.text, "maintainer", MAX_MAINTAINER, ascii_only=False))
        yield from harm
        if not harm and not _spoilt(item.text) and not _MAINTAINER.match(item.text.value):
            yield report(
                "IMS037",
                f"{quote(item.text.value)} is not a maintainer",
                item.text.span,
                hint='write it as `maintainer "Name <mail@example.org>";`',
            )
        first = seen.setdefault(item.text.value, item.text)
        if first is not item.text:
            yield again("maintainer", item.text.span, first.span)
