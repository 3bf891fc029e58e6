"""Text to AST: Lark's tree, made by :mod:`.recover` whatever is wrong, as nodes of :mod:`.ast`."""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer

from . import ast
from .codes import report
from .diagnostics import Diagnostic, quote
from .recover import read
from .source import Source, Span
from .tokens import Spanned, end_of, start_of

#: Digits and separators of a number; 0xffff_ffff has 11 characters.
MAX_NUMBER = 24

_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|(?:0|[1-9][0-9]*(?:_[0-9]+)*))\Z")

#: The uses of a control word's fields, by the terminal that tells them apart.
_FIELD_USES = {
    "SET": "fixed",
    "EQUAL": "fixed",
    "PENDING": "pending",
    "READ": "read only",
    "WRITE": "write one to clear",
    "DRIVER": "driver",
}

#: What a rule of the grammar is made of.
Parts = list[Any]


def parse(source: Source, text: str) -> tuple[ast.File, list[Diagnostic]]:
    """The AST of a text and what is wrong with its syntax.

    ``text`` is what is read: ``source.text`` with each forbidden character replaced by one
    that does no harm.  Never raises for a bad text.
    """
    tree, found = read(source, text)
    build = _Build(source)
    file = build.transform(tree)
    assert isinstance(file, ast.File)
    return file, found + build.found


#: Other ways to write a number: form, base, factor.
_NUMBERS = (
    (re.compile(r"(\d{1,6})[kK](?:i?[bB])?"), 10, 1 << 10),
    (re.compile(r"(\d{1,6})[mM](?:i?[bB])?"), 10, 1 << 20),
    (re.compile(r"(\d[0-9A-Fa-f]{0,7})[hH]"), 16, 1),
    (re.compile(r"0[bB]([01]{1,32})"), 2, 1),
    (re.compile(r"0[oO]([0-7]{1,10})"), 8, 1),
    (re.compile(r"(0[xX][0-9A-Fa-f]{1,8})[uUlL]+"), 16, 1),
    (re.compile(r"(\d{1,10})[uUlL]+"), 10, 1),
    (re.compile(r"0*(\d{1,10})"), 10, 1),
)


def _meant_number(text: str) -> str:
    """The hint for a number that is written otherwise elsewhere; else empty."""
    for form, base, factor in _NUMBERS:
        if match := form.fullmatch(text):
            value = int(match[1], base) * factor
            number = hex(value) if base in (2, 8, 16) else str(value)
            return f"write `{number}`: numbers are decimal or hexadecimal"
    return ""


def _take(c: Parts, kind: str) -> list[Token]:
    return [item for item in c if isinstance(item, Token) and item.type == kind]


def _one(c: Parts, kind: str) -> Token | None:
    found = _take(c, kind)
    return found[0] if found else None


def _nodes(c: Parts, *kinds: type) -> tuple[Any, ...]:
    return tuple(item for item in c if isinstance(item, kinds))


def _context(c: Parts) -> str:
    return next((kind.lower() for kind in ("THREADED", "ONESHOT") if _one(c, kind)), "hard")


_POOL_PARTS = (
    ast.ShareItem,
    ast.DedicatedItem,
    ast.ReserveItem,
    ast.ManagedItem,
    ast.CpusItem,
    ast.Broken,
)


_SLOT_PARTS = (
    ast.RegisterItem,
    ast.AddressBitsItem,
    ast.DataIndexItem,
    ast.OwnRegisterItem,
    ast.ControlItem,
    ast.Broken,
)

_CONTROL_PARTS = (
    ast.MaskItem,
    ast.FlagItem,
    ast.CookieItem,
    ast.FieldItem,
    ast.Broken,
)


class _Build(Transformer[Token, Any]):
    """One method for each rule or alias of the grammar: its parts to a node."""

    def __init__(self, source: Source) -> None:
        super().__init__(visit_tokens=False)
        self.source = source
        self.found: list[Diagnostic] = []

    def __default__(self, data: str, children: Parts, meta: object) -> Any:
        raise NotImplementedError(f"rule {data} of the grammar makes no node")

    def _span(self, first: Token | Spanned, last: Token | Spanned) -> Span:
        """From the start of one token or node to the end of another."""
        start = start_of(first)
        return Span(self.source, start, max(start, end_of(last)))

    def _whole(self, c: Parts) -> Span:
        return self._span(c[0], c[-1])

    def _word(self, token: Token) -> ast.Word:
        """A bare word."""
        return ast.Word(str(token), self._span(token, token))

    def _quoted(self, token: Token) -> ast.Text:
        """A text without its quotes."""
        return ast.Text(token[1:].removesuffix('"'), self._span(token, token))

    def _number(self, token: Token) -> ast.Number:
        """A number, reported where its spelling is wrong."""
        span = self._span(token, token)
        value: int | None = None
        if len(token) > MAX_NUMBER:
            self.found.append(
                report(
                    "IMS009",
                    "this number is too long",
                    span,
                    hint=f"no number here needs more than {MAX_NUMBER} characters",
                )
            )
        elif not token.isascii() or not _NUMBER.match(token):
            self.found.append(
                report(
                    "IMS008",
                    f"{quote(token)} is not a number",
                    span,
                    hint=_meant_number(str(token))
                    or "numbers are decimal (`16_128`) or hexadecimal (`0x3f00`), "
                    "without leading zeros; `_` stands between digits only",
                )
            )
        else:
            value = int(token, 16 if token[:2] in ("0x", "0X") else 10)
        return ast.Number(value, span)

    def _head(self, c: Parts) -> Span:
        last = c[0]
        for item in c:
            if isinstance(item, Token) and item.type == "LBRACE":
                break
            last = item
        return self._span(c[0], last)

    def _text(self, c: Parts) -> ast.Text | None:
        token = _one(c, "STRING")
        return self._quoted(token) if token else None

    def start(self, c: Parts) -> ast.File:
        return ast.File(tuple(c))

    def device(self, c: Parts) -> ast.DeviceDecl:
        items = tuple(item for item in c if not isinstance(item, Token))
        return ast.DeviceDecl(self._word(c[1]), self._text(c), items, self._head(c), self._whole(c))

    def pci_id(self, c: Parts) -> ast.PciIdItem:
        return ast.PciIdItem(self._word(c[1]), self._whole(c))

    def pci_class(self, c: Parts) -> ast.PciClassItem:
        return ast.PciClassItem(self._word(c[2]), self._whole(c))

    def platform_id(self, c: Parts) -> ast.PlatformIdItem:
        return ast.PlatformIdItem(c[0].type.lower(), self._quoted(c[1]), self._whole(c))

    def path(self, c: Parts) -> ast.PathItem:
        return ast.PathItem(self._quoted(c[1]), self._whole(c))

    def maintainer(self, c: Parts) -> ast.MaintainerItem:
        return ast.MaintainerItem(self._quoted(c[1]), self._whole(c))

    def requires_remapping(self, c: Parts) -> ast.RemappingItem:
        return ast.RemappingItem(True, self._whole(c))

    def requires_vectors(self, c: Parts) -> ast.MinimumItem:
        return ast.MinimumItem(self._number(c[1]), self._whole(c))

    def remapping_optional(self, c: Parts) -> ast.RemappingItem:
        return ast.RemappingItem(False, self._whole(c))

    def architecture(self, c: Parts) -> ast.ArchitectureItem:
        names = tuple(self._word(token) for token in _take(c, "NAME"))
        return ast.ArchitectureItem(names, self._whole(c))

    def store(self, c: Parts) -> ast.StoreItem:
        items = tuple(item for item in c if not isinstance(item, Token))
        block = _one(c, "LBRACE") is not None
        head = self._head(c) if block else self._span(c[0], c[3])
        return ast.StoreItem(self._word(c[1]), c[3].type.lower(), items, head, self._whole(c))

    def place(self, c: Parts) -> ast.PlaceItem:
        return ast.PlaceItem(c[0].type.lower(), self._number(c[2]), self._whole(c))

    def bar(self, c: Parts) -> ast.BarItem:
        token = _one(c, "NUMBER")
        return ast.BarItem(self._number(token) if token else None, self._whole(c))

    def _size(self, c: Parts) -> ast.SizeItem:
        token = _one(c, "NUMBER")
        number = self._number(token) if token else None
        span = self._whole(c)
        if _one(c, "RUNTIME"):
            return ast.SizeItem(c[0].type.lower(), None, number, span)
        return ast.SizeItem(c[0].type.lower(), number, None, span)

    offset = slots = _size

    def table(self, c: Parts) -> ast.TableItem:
        return ast.TableItem(self._number(c[2]), self._number(c[4]), self._whole(c))

    def _bits(self, c: Parts) -> ast.BitsItem:
        numbers = [self._number(token) for token in _take(c, "NUMBER")]
        bar = numbers[0] if len(numbers) > 1 else None
        low = _one(c, "ACTIVE") is not None
        return ast.BitsItem(c[0].type.lower(), bar, numbers[-1], low, self._whole(c))

    mask_bits = pending = _bits

    def data_index(self, c: Parts) -> ast.DataIndexItem:
        return ast.DataIndexItem(self._whole(c))

    def unmaskable(self, c: Parts) -> ast.UnmaskableItem:
        return ast.UnmaskableItem(self._whole(c))

    def command_cookie(self, c: Parts) -> ast.CommandCookieItem:
        optional = _one(c, "OPTIONAL") is not None
        return ast.CommandCookieItem(self._word(c[1]), optional, self._whole(c))

    def slot(self, c: Parts) -> ast.SlotItem:
        items = _nodes(c, *_SLOT_PARTS)
        (stride,) = _take(c, "NUMBER")
        big = _one(c, "BIG") is not None
        return ast.SlotItem(self._number(stride), big, items, self._head(c), self._whole(c))

    def slot_named(self, c: Parts) -> ast.SlotNameItem:
        return ast.SlotNameItem(self._word(c[1]), self._whole(c))

    def layout(self, c: Parts) -> ast.LayoutItem:
        return ast.LayoutItem(self._word(c[1]), self.slot(c), self._whole(c))

    def include(self, c: Parts) -> ast.IncludeItem:
        return ast.IncludeItem(self._quoted(c[1]), self._whole(c))

    def register(self, c: Parts) -> ast.RegisterItem:
        numbers = [self._number(token) for token in _take(c, "NUMBER")]
        width = numbers[1] if len(numbers) > 1 else None
        return ast.RegisterItem(c[0].type.lower(), numbers[0], width, self._whole(c))

    def address_bits(self, c: Parts) -> ast.AddressBitsItem:
        return ast.AddressBitsItem(self._number(c[2]), self._number(c[4]), self._whole(c))

    def own_register(self, c: Parts) -> ast.OwnRegisterItem:
        numbers = [self._number(token) for token in _take(c, "NUMBER")]
        width = numbers[1] if len(numbers) > 1 else None
        name, span = self._word(c[1]), self._whole(c)
        register = ast.RegisterItem(f"register {name.text}", numbers[0], width, span)
        return ast.OwnRegisterItem(name, register, span)

    def control(self, c: Parts) -> ast.ControlItem:
        numbers = [self._number(token) for token in _take(c, "NUMBER")]
        width = numbers[1] if len(numbers) > 1 else None
        register = ast.RegisterItem("control", numbers[0], width, self._head(c))
        items = _nodes(c, *_CONTROL_PARTS)
        return ast.ControlItem(register, items, self._whole(c))

    def mask(self, c: Parts) -> ast.MaskItem:
        return ast.MaskItem(self._number(c[2]), _one(c, "ACTIVE") is not None, self._whole(c))

    def flag(self, c: Parts) -> ast.FlagItem:
        return ast.FlagItem(self._word(c[0]), self._number(c[2]), self._whole(c))

    def cookie(self, c: Parts) -> ast.CookieItem:
        optional = _one(c, "OPTIONAL") is not None
        high, low, _ = self._field(c)
        return ast.CookieItem(self._word(c[0]), high, low, optional, self._whole(c))

    def _field(self, c: Parts) -> tuple[ast.Number, ast.Number, ast.Number | None]:
        """The highest and the lowest bit of a field, and its value."""
        numbers = [self._number(token) for token in _take(c, "NUMBER")]
        value = numbers.pop() if _one(c, "EQUAL") is not None else None
        return numbers[0], numbers[-1], value

    def field(self, c: Parts) -> ast.FieldItem:
        high, low, value = self._field(c)
        (use,) = (word for token, word in _FIELD_USES.items() if _take(c, token))
        return ast.FieldItem(self._word(c[0]), high, low, use, value, self._whole(c))

    def vector(self, c: Parts) -> ast.VectorItem:
        (name, store), numbers = _take(c, "NAME"), [self._number(t) for t in _take(c, "NUMBER")]
        array = len(numbers) > 1
        return ast.VectorItem(
            name=self._word(name),
            store=self._word(store),
            number=numbers[1] if array else numbers[0],
            place=self._span(store, _take(c, "RSQB")[-1]),
            purpose=self._text(c),
            context=_context(c),
            span=self._whole(c),
            size=numbers[0] if array else None,
            last=numbers[2] if array else None,
            runtime=_one(c, "RUNTIME") is not None,
            optional=_one(c, "OPTIONAL") is not None,
        )

    vector_runtime = vector_array = vector

    def vector_last(self, c: Parts) -> ast.VectorItem:
        return ast.VectorItem(
            name=self._word(c[1]),
            store=self._word(c[3]),
            number=ast.Number(None, self._span(c[5], c[5])),
            place=self._span(c[3], c[6]),
            purpose=self._text(c),
            context=_context(c),
            span=self._whole(c),
            at_end=True,
        )

    def vector_shared(self, c: Parts) -> ast.SharedItem:
        name, vector = self._word(c[1]), self._word(c[3])
        return ast.SharedItem(name, vector, self._text(c), _context(c), self._whole(c))

    def pool(self, c: Parts) -> ast.PoolItem:
        return ast.PoolItem(
            name=self._word(c[1]),
            ranges=_nodes(c, ast.RangeItem),
            purpose=self._text(c),
            items=_nodes(c, *_POOL_PARTS),
            head=self._head(c),
            span=self._whole(c),
        )

    def range_all(self, c: Parts) -> ast.RangeItem:
        store = self._word(c[0])
        return ast.RangeItem(store, ast.Number(0, store.span), None, self._whole(c))

    def range_one(self, c: Parts) -> ast.RangeItem:
        number = self._number(c[2])
        return ast.RangeItem(self._word(c[0]), number, number, self._whole(c))

    def range_from(self, c: Parts) -> ast.RangeItem:
        return ast.RangeItem(self._word(c[0]), self._number(c[2]), None, self._whole(c))

    def range_between(self, c: Parts) -> ast.RangeItem:
        first, last = self._number(c[2]), self._number(c[4])
        return ast.RangeItem(self._word(c[0]), first, last, self._whole(c))

    def share(self, c: Parts) -> ast.ShareItem:
        policy = "least loaded" if _one(c, "LEAST") else "per cpu"
        return ast.ShareItem(policy, self._number(c[5]), self._whole(c))

    def dedicated(self, c: Parts) -> ast.DedicatedItem:
        return ast.DedicatedItem(self._whole(c))

    def reserve(self, c: Parts) -> ast.ReserveItem:
        return ast.ReserveItem(self._number(c[1]), self._whole(c))

    def managed(self, c: Parts) -> ast.ManagedItem:
        return ast.ManagedItem(self._whole(c))

    def cpus(self, c: Parts) -> ast.CpusItem:
        return ast.CpusItem(self._whole(c))

    def subdevice(self, c: Parts) -> ast.SubdeviceItem:
        items = _nodes(c, ast.MemberItem, ast.Broken)
        name, maximum = self._word(c[1]), self._number(c[3])
        return ast.SubdeviceItem(name, maximum, items, self._head(c), self._whole(c))

    def member_one(self, c: Parts) -> ast.MemberItem:
        return ast.MemberItem(self._word(c[1]), None, None, self._whole(c))

    def member_many(self, c: Parts) -> ast.MemberItem:
        minimum, maximum = self._number(c[2]), self._number(c[4])
        return ast.MemberItem(self._word(c[1]), minimum, maximum, self._whole(c))
