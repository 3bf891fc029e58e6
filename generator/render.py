"""Templates to texts, and what every text has to keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from imsgen.dsl import ahead
from imsgen.templates import ROOT

from .layout import fold, width
from .translate import Undefined, environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jinja2 import Environment

    from .translate import Function

#: Columns that a line of generated C may take (checkpatch: 100).
MAX_COLUMNS = 100

# Compiled when they are first used, which most runs never do.
_TRAILING = r"(?m)[ \t]+$"
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]"
#: The ASCII characters that a file can have.
_PLAIN = bytes([*b"\t\n", *range(0x20, 0x7F)])


class RenderError(Exception):
    """A template is broken, or its text breaks a rule: a bug of this package."""


class Renderer:
    """Renders the templates under one folder."""

    def __init__(self, root: str = ROOT) -> None:
        self.root = root
        self._made = _made_ahead() if root == ROOT else {}
        self._functions: dict[str, Function | None] = {}

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """The text of a template, long lines folded.  Raises :class:`RenderError`.

        Made by the function that the build has made of the template, if it has, else by Jinja2.
        """
        if template not in self._functions:
            function, sources = self._made.get(template, (None, {}))
            self._functions[template] = function if ahead.fresh(sources) else None
        function = self._functions[template]
        if function is None:
            return fold(self._jinja(template, context))
        out: list[str] = []
        try:
            function(context, out)
        except (Undefined, TypeError, ValueError) as error:
            raise _broken(template, error) from error
        return fold("".join(out))

    def _jinja(self, template: str, context: Mapping[str, Any]) -> str:
        from jinja2 import TemplateError

        try:
            return _environment(self.root).get_template(template).render(context)
        except (TemplateError, TypeError, ValueError) as error:
            raise _broken(template, error) from error

    def file(self, template: str, path: str, context: Mapping[str, Any], marker: str) -> str:
        """The text of a generated file.

        Raises :class:`RenderError` if it breaks what :func:`check_text` checks, or lacks ``marker``
        (where that isn't empty) near its top.
        """
        text = self.render(template, context)
        problems = check_text(text)
        if marker and not any(marker in line for line in text.split("\n", 4)[1:4]):
            problems.append("no marker in lines 2 to 4")
        if problems:
            raise RenderError(f"{template}: {path}: {summary(problems)}")
        return text


@lru_cache(8)
def _environment(root: str) -> Environment:
    """Jinja2 for the templates under ``root``; it sees by itself when one of them changes."""
    return environment(root)


def _made_ahead() -> dict[str, tuple[Function, dict[str, int]]]:
    """The functions and their sources by template; empty in a package that wasn't built."""
    try:
        from imsgen.templates import _functions  # type: ignore[attr-defined]
    except ImportError:
        return {}
    made: dict[str, tuple[Function, dict[str, int]]] = _functions.TEMPLATES
    return made


def _broken(template: str, error: Exception) -> RenderError:
    return RenderError(f"{template}: {type(error).__name__}: {error}")


def summary(problems: list[str]) -> str:
    """The first few problems on one line."""
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more


def check_text(text: str) -> list[str]:
    """What is wrong with the text of a file in the kernel tree; empty if nothing."""
    out = []
    if not text.endswith("\n") or text.endswith("\n\n") or text == "\n":
        out.append("does not end in exactly one newline")
    if "SPDX-License-Identifier: " not in text.split("\n", 1)[0]:
        out.append("no SPDX identifier in line 1")
    # What is quick to see first: the expressions look at every character.
    trailing = " \n" in text or "\t\n" in text or text.endswith((" ", "\t"))
    if trailing and (found := re.search(_TRAILING, text)):
        out.append(f"line {_line(text, found.start())}: trailing blanks")
    plain = text.isascii() and not text.encode().translate(None, _PLAIN)
    if not plain and (found := re.search(_CONTROL, text)):
        out.append(f"line {_line(text, found.start())}: control character {found[0]!r}")
    if (at := text.find("\n\n\n")) >= 0:
        out.append(f"line {_line(text, at) + 1}: two blank lines")
    return out


def check_columns(path: str, text: str) -> list[str]:
    """The lines of a C file which are too long.

    Not an error when a series is made: names come from the user, and a long line still compiles.
    """
    if not path.endswith((".c", ".h")):
        return []
    return [
        f"line {number}: {width(line)} columns"
        for number, line in enumerate(text.split("\n"), 1)
        if width(line) > MAX_COLUMNS
    ]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
