"""The grammar as Lark has it, and texts to its tokens, as what is read wants them."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Container
from functools import cache
from typing import Any, Protocol

import lark
from lark import Lark, Token
from lark.lexer import PatternStr

from . import kinds
from .cache import folder, keep
from .codes import report
from .diagnostics import Diagnostic
from .source import Source, Span

#: The grammar's file, all but the stores.
GRAMMAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ims.lark")

#: How Lark reads it.  Tokens come from below, and not from Lark: its basic lexer costs least.
OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}

#: The terminal at the end of every file, and the type of what is no token at all.
END, UNKNOWN = "$END", "?"

#: Terminals with a text of their own, and their names.
OWN_TEXT = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "PCI_ID": "a PCI id (`vvvv:dddd`)",
    "PCI_CLASS": "a class code (`cccccc`)",
}

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*|//[^\n]*)+")
#: Blanks that are none to the language, and what has no width.
_ODD_SPACE = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200d\u202f\u205f\u2060\u3000]+")
#: A line as for the C preprocessor: more than a comment with such a word.
_DIRECTIVE = re.compile(
    r"(?m)^[ \t]*(?P<sign>#)[ \t]*(?:"
    r'(?P<word>include)[ \t]*["<](?P<path>[\w./-]+)[">]'
    r"|(?P<other>define|undef|ifdef|ifndef)[ \t]+\w+(?=[ \t]*(?:\d[^\n]*)?$))"
)
_RUN = re.compile(r"\w+")
_STRING = re.compile(r'"[^"\n]*"')


class Spanned(Protocol):
    """A node of the tree, as far as its place goes."""

    @property
    def span(self) -> Span:
        """What it covers."""


def grammar_text() -> str:
    """The whole grammar: that of the file, and what the kinds of stores add."""
    with open(GRAMMAR, encoding="utf-8") as file:
        base = file.read()
    return f"{base}\n{kinds.grammar(base)}"


@cache
def grammar() -> Lark:
    """The grammar's tables: those of an earlier run if they are the same, else made by Lark."""
    text = grammar_text()
    place = folder(f"lark-{lark.__version__}")
    path = ""
    if place is not None:
        digest = hashlib.sha256(repr((text, OPTIONS)).encode())
        path = os.path.join(place, digest.hexdigest())
        try:
            with open(path, "rb") as tables:
                return Lark.load(tables)
        except Exception:  # no such file, or what pickle and Lark raise for one that is no table
            pass
    made = Lark(text, **OPTIONS)
    if path:
        keep(path, made.save)
    return made


@cache
def keywords() -> dict[str, str]:
    """The grammar's words and the names of their terminals."""
    return {text: name for text, name in _literals().items() if text[0].isalpha()}


@cache
def signs() -> dict[str, str]:
    """The grammar's signs and the names of their terminals, ``..`` before any ``.``."""
    found = [item for item in _literals().items() if not item[0][0].isalpha()]
    return dict(sorted(found, key=lambda item: (-len(item[0]), item[0])))


def _literals() -> dict[str, str]:
    return {
        term.pattern.value: term.name
        for term in sorted(grammar().terminals, key=lambda term: term.name)
        if isinstance(term.pattern, PatternStr)
    }


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (term.name, re.compile(term.pattern.value))
        for term in sorted(grammar().terminals, key=lambda term: term.name)
        if term.name in OWN_TEXT
    )


def start_of(item: Token | Spanned) -> int:
    """Where a token or a node of the tree starts."""
    return item.start_pos or 0 if isinstance(item, Token) else item.span.start


def end_of(item: Token | Spanned) -> int:
    """Where a token or a node of the tree ends."""
    return item.end_pos or 0 if isinstance(item, Token) else item.span.end


def code_point(sign: str) -> str:
    """What a character is called that can't be shown: its code point and its name."""
    return f"U+{ord(sign):04X} ({unicodedata.name(sign, 'no name').lower()})"


def make(kind: str, text: str, first: int, last: int) -> Token:
    """A token of that text between two places."""
    return Token(kind, text, start_pos=first, end_pos=last)


class Tokens:
    """The tokens of one text; words are words only where the grammar wants one."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.found: list[Diagnostic] = []
        self._reported: set[int] = set()
        self._words = keywords()
        self._signs = signs()
        self._sign = re.compile("|".join(map(re.escape, self._signs)))

    def skip(self, pos: int) -> int:
        """The start of the next token at or after ``pos``."""
        while True:
            match = _SPACE.match(self.text, pos)
            if match:
                if "#" in match.group():
                    for line in _DIRECTIVE.finditer(self.text, pos, match.end()):
                        self._directive(line)
                pos = match.end()
            odd = _ODD_SPACE.match(self.text, pos)
            if odd:
                names = ", ".join(dict.fromkeys(code_point(sign) for sign in odd.group()))
                self._once(
                    "IMS004",
                    f"forbidden character {names}",
                    Span(self.source, pos, odd.end()),
                    hint="write ` ` in its place, or nothing where it has no width",
                )
                pos = odd.end()
                continue
            if not self.text.startswith("/*", pos):
                return pos
            close = self.text.find("*/", pos)
            close = len(self.text) if close < 0 else close + 2
            self._once(
                "IMS016",
                "`/*` starts no comment here",
                Span(self.source, pos, pos + 2),
                hint="a comment starts with `#` or `//` and ends with its line",
            )
            pos = close

    def _directive(self, line: re.Match[str]) -> None:
        """Report a line for the C preprocessor, which is a comment here."""
        path = line["path"]
        self._once(
            "IMS018",
            f"`#{line['word'] or line['other']}` starts a comment",
            Span(self.source, line.start("sign"), line.end()),
            hint=(
                f'write `include "{path}";`'
                if path
                else "there is no preprocessor: write what it stands for"
            ),
        )

    def next(self, pos: int, accepted: Container[str]) -> Token:
        """The next token as one of the ``accepted`` terminals, else as it reads by itself."""
        pos = self.skip(pos)
        if pos >= len(self.text):
            return make(END, "", len(self.text), len(self.text))
        best = self.plain(pos)
        if best.type in accepted and best.type not in ("NAME", "NUMBER"):
            return best
        longest: Token | None = None
        for name, pattern in _patterns():
            if name in accepted:
                match = pattern.match(self.text, pos)
                if match and (longest is None or match.end() > end_of(longest)):
                    longest = make(name, match.group(), pos, match.end())
        return longest or best

    def plain(self, pos: int) -> Token:
        """The token at ``pos`` whatever is wanted there."""
        match = _RUN.match(self.text, pos)
        if match:
            run = match.group()
            kind = self._words.get(run)
            if kind is None:
                kind = "NUMBER" if run[0].isdecimal() else "NAME"
            return make(kind, run, pos, match.end())
        match = self._sign.match(self.text, pos)
        if match:
            return make(self._signs[match.group()], match.group(), pos, match.end())
        if self.text[pos] == '"':
            match = _STRING.match(self.text, pos)
            if match is None:
                close = self.open_text(pos)
                self._once(
                    "IMS007",
                    "this text is never closed",
                    Span(self.source, pos, close),
                    hint='a text ends on its own line: put a `"` behind it',
                )
                return make("STRING", self.text[pos:close], pos, close)
            return make("STRING", match.group(), pos, match.end())
        return make(UNKNOWN, self.text[pos], pos, pos + 1)

    def open_text(self, pos: int) -> int:
        """Where a text that is never closed ends: before the signs at the end of its line."""
        close = self.text.find("\n", pos)
        line = self.text[pos : close if close >= 0 else len(self.text)]
        return pos + max(1, len(line.rstrip(" \t\r;{")))

    def first_on_line(self, item: Token) -> bool:
        """Whether only blanks stand before a token on its line."""
        at = start_of(item)
        while at and self.text[at - 1] in " \t\r":
            at -= 1
        return not at or self.text[at - 1] == "\n"

    def _once(self, code: str, message: str, span: Span, hint: str) -> None:
        """Report unless this place has been: a token may be read in more than one state."""
        if span.start not in self._reported:
            self._reported.add(span.start)
            self.found.append(report(code, message, span, hint=hint))
