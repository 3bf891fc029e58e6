"""Templates to texts, and what every text has to keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from imsgen.dsl.cache import folder
from imsgen.templates import ROOT

from .fold import fold, width

#: How the templates are read.  The byte code of other options is in another folder.
OPTIONS: dict[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}

#: Templates whose values are escaped: those of markup.
MARKUP = (".svg.j2", ".html.j2")

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
        self._jinja = environment(root)

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """The text of a template, long lines folded.  Raises :class:`RenderError`."""
        try:
            return fold(self._jinja.get_template(template).render(context))
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise RenderError(f"{template}: {type(error).__name__}: {error}") from error

    def markup(self, template: str, context: Mapping[str, Any]) -> str:
        """The text of an SVG or HTML template; texts in it are escaped.

        Raises :class:`RenderError`.
        """
        try:
            return self._jinja.get_template(template).render(context)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise RenderError(f"{template}: {type(error).__name__}: {error}") from error

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


class _Bytecode(FileSystemBytecodeCache):
    """Jinja2's byte code in files, for as long as they can be read and written."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # what pickle raises for a file that is something else
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        try:
            super().dump_bytecode(bucket)
        except OSError:
            pass  # the next run compiles once more


@cache
def environment(root: str) -> Environment:
    """Jinja2 for the templates under ``root``; it sees by itself when one of them changes."""
    options = "".join(str(int(value)) for value in OPTIONS.values())
    place = folder(f"jinja2-{jinja2.__version__}-{options}")
    return Environment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        autoescape=_escapes,
        bytecode_cache=_Bytecode(place, "%s") if place else None,
        **OPTIONS,
    )


def _escapes(template: str | None) -> bool:
    return template is not None and template.endswith(MARKUP)


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
