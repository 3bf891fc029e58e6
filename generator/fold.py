"""Folding of long C lines: the one place that knows columns.

Names come from the user, so a template can't know where a line has to break.  It marks each place
where a line may break by starting the next line with ``»``; :func:`fold` joins what fits into
:data:`COLUMNS` and aligns the rest with the innermost open parenthesis, as checkpatch wants it.
"""

from __future__ import annotations

import re

#: Columns a folded line may take.  checkpatch allows 100.
COLUMNS = 100

#: Width of a tab in kernel C.
TAB = 8

#: Column at which values of #defines start.
VALUE_COLUMN = 40

MARK = "»"

_PARENTHESIS = re.compile(r"[()\[\]]")


def width(text: str) -> int:
    """Columns that ``text`` takes from the left margin, tabs expanded."""
    return len(text.expandtabs(TAB))


def indent(columns: int) -> str:
    """White space that is ``columns`` wide: tabs, then blanks."""
    return "\t" * (columns // TAB) + " " * (columns % TAB)


def tabs(text: str, column: int) -> str:
    """The tabs that take ``text`` (starting at the left margin) to ``column``, at least one."""
    return "\t" * max(1, -(-(column - width(text)) // TAB))


def fold(text: str) -> str:
    """``text`` with every ``»`` line joined to the line before it or aligned below it."""
    if MARK not in text:
        return text
    start, *parts = text.split(f"\n{MARK}")
    done, statement = _last_line(start)
    out = [done]
    for part in parts:
        rest, more, behind = part.partition("\n")
        line = statement[-1]
        glue = "" if line.endswith("(") or rest.startswith(",") else " "
        joined = line + glue + rest
        if width(joined) <= COLUMNS:
            statement[-1] = joined
        else:
            statement.append(indent(_column("\n".join(statement))) + rest)
        if more:
            done, following = _last_line(behind)
            out += ["\n".join(statement), more, done]
            statement = following
    return "".join([*out, "\n".join(statement)])


def _last_line(text: str) -> tuple[str, list[str]]:
    """What is before the last line, and the statement that may go on behind that line."""
    at = text.rfind("\n") + 1
    return text[:at], [text[at:]]


def _column(text: str) -> int:
    """Column right of the innermost parenthesis that is open at the end of ``text``."""
    columns: list[int] = []
    for line in text.expandtabs(TAB).split("\n"):
        for found in _PARENTHESIS.finditer(line):
            if found[0] in "([":
                columns.append(found.end())
            elif columns:
                columns.pop()
    if columns:
        return columns[-1]
    first = text.split("\n", 1)[0]
    return width(first) - width(first.lstrip("\t ")) + TAB
