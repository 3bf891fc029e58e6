"""One way to write a layout: the tokens of a file and its comments, laid out anew.

What is said stays as it is: only blanks, line ends and the case of hexadecimal digits change.
:func:`format_text` proves that before it gives anything back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token

from . import Result, ast, load
from .model import to_json
from .parse import parse
from .recover import read
from .source import Source
from .tokens import end_of, start_of

#: Columns of a line; only what can't be broken is longer.
WIDTH = 100

_INDENT = " " * 4
#: How much deeper the rest of a broken statement stands: more than its block.
_FURTHER = " " * 8

_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_TIGHT_BEFORE = {"SEMICOLON", "COMMA", "COLON", "LSQB", "RSQB", "DOTS"}
_TIGHT_AFTER = {"LSQB", "DOTS", "AT"}
_BREAK_BEFORE = {"PLUS", "STRING", "HARD", "THREADED", "ONESHOT", "OPTIONAL"}
_BREAKABLE = {"ARCHITECTURE", "POOL", "VECTOR"}


class FormatError(Exception):
    """The formatter would have changed what the file says: its text stays as it is."""


@dataclass(frozen=True)
class Formatted:
    """A file as it should be written, or what is wrong with it (``text`` is None then)."""

    text: str | None
    result: Result


@dataclass
class _Comment:
    text: str
    #: Whether it stands behind something on its line.
    trailing: bool


@dataclass
class _Chunk:
    """A piece of a statement that no line break may stand in."""

    text: str = ""
    comments: list[_Comment] = field(default_factory=list)


@dataclass
class _Statement:
    first: str
    chunks: list[_Chunk]
    #: Comments between the last piece and the `;` or `{`.
    comments: list[_Comment] = field(default_factory=list)
    block: list[_Item] | None = None
    #: Whether the block stood on one line, so that it may again.
    flat: bool = False

    @property
    def head(self) -> str:
        return " ".join(chunk.text for chunk in self.chunks)

    @property
    def commented(self) -> bool:
        return bool(self.comments) or any(chunk.comments for chunk in self.chunks)


@dataclass
class _Blank:
    """An empty line, or several."""


_Item = _Statement | _Comment | _Blank


def format_text(name: str, text: bytes, folders: tuple[str, ...] = ()) -> Formatted:
    """Format the text of a file of devices, or of a file of layouts that others include.

    A text with errors isn't formatted.  Raises :class:`FormatError` for a fault in here.
    """
    result = load(name, text, folders)
    if not _may_be_formatted(result):
        return Formatted(None, result)
    old = text.decode("utf-8").removeprefix("\ufeff")
    tokens = _tokens(name, old)
    if not tokens:
        return Formatted(None, result)
    new = _lay_out(old, tokens)
    new_tokens = _tokens(name, new)
    same = (
        _said(name, old, result) == _said(name, new, load(name, new.encode(), folders))
        and _comments(old, tokens) == _comments(new, new_tokens)
        and _lay_out(new, new_tokens) == new
    )
    if not same:
        raise FormatError(f"{name}: what it says would have changed")
    return Formatted(new, result)


def _may_be_formatted(result: Result) -> bool:
    """Whether there are no errors but that no device is in a file of layouts."""
    return {found.code for found in result.diagnostics if found.is_error} <= {"IMS005"}


def _lay_out(text: str, tokens: list[Token]) -> str:
    items = _Reading(text, tokens).block(0)
    return "\n".join(_Writing().block(items, "")) + "\n"


def _tokens(name: str, text: str) -> list[Token]:
    """All tokens of a text without mistakes of syntax."""
    tree, found = read(Source(name, text), text)
    assert not found
    return list(tree.scan_values(lambda value: isinstance(value, Token)))


# --- proof ------------------------------------------------------------------------------------


def _said(name: str, text: str, result: Result) -> object:
    """All that a file says, without places: its models, layouts, includes and findings."""
    tree, _ = parse(Source(name, text), text)
    shared = [item for item in tree.items if not isinstance(item, ast.DeviceDecl)]
    return (
        [_bare_json(to_json(device)) for device in result.devices],
        [_bare(item) for item in shared],
        sorted((found.code, found.message) for found in result.diagnostics),
    )


def _bare_json(value: object) -> object:
    if isinstance(value, dict):
        return {key: _bare_json(item) for key, item in value.items() if key != "span"}
    if isinstance(value, list):
        return [_bare_json(item) for item in value]
    return value


def _bare(node: object) -> object:
    """A node of the tree without its places."""
    fields: tuple[str, ...] | None = getattr(node, "_fields", None)
    if fields is not None:
        kept = (name for name in fields if name not in ("span", "head", "place"))
        return (type(node).__name__, *(_bare(getattr(node, name)) for name in kept))
    if isinstance(node, tuple):
        return tuple(_bare(item) for item in node)
    return node


def _comments(text: str, tokens: list[Token]) -> list[str]:
    """The comments of a text in their order, each without the blanks behind it."""
    out = []
    at = 0
    for token in tokens:
        out += _COMMENT.findall(text, at, start_of(token))
        at = end_of(token)
    out += _COMMENT.findall(text, at)
    return [comment.rstrip(" \t\r") for comment in out]


# --- reading ----------------------------------------------------------------------------------


class _Reading:
    """Tokens and the gaps between them to statements, comments and empty lines."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0
        self.end = 0

    def block(self, depth: int) -> list[_Item]:
        """What stands up to the block's `}`, or up to the end of the file."""
        items: list[_Item] = []
        while True:
            self._between(items, depth)
            if self.at == len(self.tokens) or self.tokens[self.at].type == "RBRACE":
                return items
            items += self._statement(depth)

    def _gap(self) -> Iterator[_Comment | _Blank]:
        """Comments and empty lines up to the next token, or up to the end."""
        last = self.at == len(self.tokens)
        stop = len(self.text) if last else start_of(self.tokens[self.at])
        at = self.end
        for match in _COMMENT.finditer(self.text, at, stop):
            lines = self.text.count("\n", at, match.start())
            if lines > 1:
                yield _Blank()
            yield _Comment(match.group().rstrip(" \t\r"), not lines and match.start() > 0)
            at = match.end()
        if self.text.count("\n", at, stop) > 1:
            yield _Blank()

    def _between(self, items: list[_Item], depth: int) -> None:
        for item in self._gap():
            if isinstance(item, _Comment) and not (items or depth):
                item.trailing = False
            items.append(item)

    def _take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        self.end = end_of(token)
        return token

    def _statement(self, depth: int) -> list[_Item]:
        """A statement, and behind it the comments that stood in front of its `;`."""
        first = self._take()
        chunks = [_Chunk(_spelling(first))]
        previous = first
        waiting: list[_Comment] = []
        while True:
            waiting += [item for item in self._gap() if isinstance(item, _Comment)]
            token = self._take()
            if token.type in ("SEMICOLON", "LBRACE"):
                break
            if _may_break(first, previous, token):
                chunks.append(_Chunk("", waiting))
                waiting = []
            elif _spaced(previous, token):
                chunks[-1].text += " "
            chunks[-1].text += _spelling(token)
            previous = token
        if token.type == "SEMICOLON":
            chunks[-1].text += ";"
            return [_Statement(first.type, chunks), *waiting]
        statement = _Statement(first.type, chunks, waiting)
        start = start_of(token)
        statement.block = self.block(depth + 1)
        end = end_of(self._take())
        statement.flat = "\n" not in self.text[start:end]
        return [statement]


def _spelling(token: Token) -> str:
    if token.type in ("PCI_ID", "PCI_CLASS") or token[:2] in ("0x", "0X"):
        return token.lower()
    return str(token)


def _spaced(previous: Token, token: Token) -> bool:
    """Whether a blank stands between two tokens."""
    if token.type in _TIGHT_BEFORE or previous.type in _TIGHT_AFTER:
        return False
    # `store ims: iomem`, but `bits 31:12`.
    return not (previous.type == "COLON" and token.type == "NUMBER")


def _may_break(first: Token, previous: Token, token: Token) -> bool:
    """Whether a long statement may go on in another line here."""
    if first.type not in _BREAKABLE:
        return False
    return token.type in _BREAK_BEFORE or previous.type == "COMMA"


# --- writing ----------------------------------------------------------------------------------


class _Writing:
    """Statements, comments and empty lines to lines."""

    def block(self, items: list[_Item], indent: str) -> Iterator[str]:
        """The lines of a block's inside, or of a file."""
        line: str | None = None
        previous: _Item | None = None
        for number, item in enumerate(items):
            if isinstance(item, _Blank):
                continue
            if isinstance(item, _Comment) and item.trailing and isinstance(previous, _Statement):
                line = f"{line} {item.text}"
                previous = item  # a comment behind a comment would stand in it
                continue
            if line is not None:
                yield line
                if isinstance(items[number - 1], _Blank) or (
                    not indent and self._apart(items, number)
                ):
                    yield ""
            if isinstance(item, _Comment):
                line = indent + item.text
            else:
                *lines, line = self._statement(item, indent)
                yield from lines
            previous = item
        if line is not None:
            yield line

    @staticmethod
    def _apart(items: list[_Item], number: int) -> bool:
        """Whether an empty line belongs before an item that stands outside of all blocks."""
        behind = (items[at] for at in reversed(range(number)))
        before = next(
            (item for item in behind if not (isinstance(item, _Comment) and item.trailing)), None
        )
        if not isinstance(before, _Statement):
            return False
        ahead = (items[at] for at in range(number, len(items)))
        after = next((item for item in ahead if isinstance(item, _Statement)), None)
        return before.block is not None or (after is not None and after.block is not None)

    def _statement(self, item: _Statement, indent: str) -> Iterator[str]:
        if item.block is None:
            yield from self._head(item, indent, "")
            return
        if flat := self._flat(item):
            line = f"{indent}{flat}"
            if len(line) <= WIDTH:
                yield line
                return
        *lines, line = self._head(item, indent, " {")
        yield from lines
        comments = list(item.comments)
        if item.block and isinstance(item.block[0], _Comment) and item.block[0].trailing:
            comments.append(item.block[0])
            inside = item.block[1:]
        else:
            inside = item.block
        if comments and comments[0].trailing:
            line += f" {comments.pop(0).text}"
        yield line
        for comment in comments:
            yield f"{indent}{_INDENT}{comment.text}"
        yield from self.block(inside, indent + _INDENT)
        yield f"{indent}}}"

    def _flat(self, item: _Statement) -> str | None:
        """A statement on one line; None where it may not be."""
        if item.block is None:
            return item.head
        if not item.flat or item.commented or item.first == "DEVICE":
            return None
        inside = []
        for part in item.block:
            flat = self._flat(part) if isinstance(part, _Statement) else None
            if flat is None:
                return None
            inside.append(flat)
        return " ".join([item.head, "{", *inside, "}"])

    @staticmethod
    def _head(item: _Statement, indent: str, end: str) -> Iterator[str]:
        """A statement up to its block, broken where it must be."""
        line = ""
        for number, chunk in enumerate(item.chunks):
            text = chunk.text + (end if number == len(item.chunks) - 1 else "")
            if not number:
                line = indent + text
                continue
            comments = list(chunk.comments)
            if not comments and len(line) + 1 + len(text) <= WIDTH:
                line += f" {text}"
                continue
            if comments and comments[0].trailing:
                line += f" {comments.pop(0).text}"
            yield line
            for comment in comments:
                yield f"{indent}{_FURTHER}{comment.text}"
            line = f"{indent}{_FURTHER}{text}"
        yield line
