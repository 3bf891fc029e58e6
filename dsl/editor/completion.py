"""What may stand at a place: words of the grammar, and names that were given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token, Tree

from ..recover import FORMS, HOMES, _Recovering
from ..rules.device import ARCHITECTURES
from ..source import Source
from ..tokens import END, keywords
from .symbols import Symbol, symbols

_WORD = re.compile(r"\w*\Z")


@dataclass(frozen=True)
class Completion:
    """A word that may stand there: ``kind`` is `keyword` or the kind of a name."""

    text: str
    kind: str
    detail: str = ""


class _Stop(Exception):
    """The place that is asked for has been reached."""


class _Looking(_Recovering):
    """Reads up to the end of a text and looks what could follow."""

    def __init__(self, source: Source, text: str) -> None:
        super().__init__(source, text)
        #: The words that the open blocks start with, and the last token.
        self.heads: list[str] = []
        self.last = ""

    def _feed(self, item: Token) -> Tree[Token] | None:
        if item.type == END:
            raise _Stop
        if item.type == "LBRACE":
            self.heads.append(self._statement_word() or "")
        elif item.type == "RBRACE":
            self.heads.pop()
        result = super()._feed(item)
        self.last = item.type
        return result

    def look(self) -> list[str]:
        """The terminals that could follow; none where the text can't be read up to its end."""
        try:
            self.run()
        except _Stop:
            return self._expected()
        return []

    @property
    def statement(self) -> str | None:
        """The word that the open statement starts with."""
        return self._statement_word()


def complete(name: str, text: str, offset: int, folders: Sequence[str] = ()) -> list[Completion]:
    """What may stand at a place, where the beginning of a word may be already."""
    match = _WORD.search(text, 0, offset)
    start = match.start() if match else offset
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if _in_text_or_comment(line):
        return []
    looking = _Looking(Source(name, text[:start]), text[:start])
    expected = looking.look()
    words = {terminal: word for word, terminal in keywords().items()}
    out = [
        Completion(words[item], "keyword", _detail(words[item]))
        for item in expected
        if item in words
    ]
    if "NAME" in expected:
        out += _names(looking, name, text, folders)
    return out


def _in_text_or_comment(line: str) -> bool:
    plain = re.sub(r'"[^"\n]*"', "", line)
    return '"' in plain or "#" in plain or "//" in plain


def _detail(word: str) -> str:
    form = FORMS.get(word, "").split(",")[0].split(" or ")[0].strip("`")
    return form or (f"in {HOMES[word]}" if word in HOMES else "")


def _names(looking: _Looking, name: str, text: str, folders: Sequence[str]) -> list[Completion]:
    """Names that may stand where one is wanted."""
    block = looking.heads[-1] if looking.heads else ""
    kind = ""
    if looking.last in ("EQUAL", "PLUS"):
        kind = "store"
    elif block == "subdevice" and looking.last in ("VECTOR", "VECTORS"):
        kind = "pool"
    elif block == "store" and looking.last == "SLOT":
        kind = "layout"
    elif looking.statement == "architecture":
        return [Completion(item, "architecture") for item in ARCHITECTURES]
    if not kind:
        return []
    found = symbols(name, text.encode(), folders)
    names = [item.name for item in found if item.kind == kind and _near(item, found, looking)]
    return [Completion(item, kind) for item in dict.fromkeys(names)]


def _near(item: Symbol, found: list[Symbol], looking: _Looking) -> bool:
    """Whether a name is one of the device that the place is in."""
    if item.kind == "layout":
        return True
    devices = sorted(one.definition.start for one in found if one.kind == "device")
    here = len(looking.text)
    start = max((at for at in devices if at < here), default=0)
    end = min((at for at in devices if at > here), default=len(item.definition.source.text))
    return start <= item.definition.start <= end
