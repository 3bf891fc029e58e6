"""Names of a file: where each is given, and where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .. import ast, load
from ..files import Reader
from ..source import Span

#: What the name of an enable bit has behind that of its cookie.
_ENABLE = "_enable"


class RenameError(Exception):
    """The name can't be changed, or not to that one; the text says why."""


@dataclass
class Symbol:
    """A name: ``uses`` are all places but the definition."""

    kind: str
    name: str
    definition: Span
    uses: list[Span] = field(default_factory=list)

    def at(self, source_name: str, offset: int) -> bool:
        """Whether the name stands at that place."""
        return any(
            span.source.name == source_name and span.start <= offset <= span.end
            for span in (self.definition, *self.uses)
        )


@dataclass(frozen=True)
class Edit:
    """Characters of a text and what replaces them."""

    start: int
    end: int
    text: str


def symbols(name: str, text: bytes, folders: Sequence[str] = ()) -> list[Symbol]:
    """All names of a file and of the layouts that it includes, whatever is wrong with it."""
    unit = Reader(folders).main(name, text)
    if unit is None:
        return []
    layouts: dict[str, Symbol] = {}
    out = []
    for one in unit.all():
        for item in one.layouts:
            word = item.name
            symbol = Symbol("layout", word.text, word.span)
            layouts.setdefault(word.text, symbol)
            out.append(symbol)
            out += _cookies(item.slot)
    for part in unit.tree.items:
        if isinstance(part, ast.DeviceDecl):
            out.append(Symbol("device", part.name.text, part.name.span))
            out += _device(part, layouts)
    return out


def _device(device: ast.DeviceDecl, layouts: dict[str, Symbol]) -> Iterator[Symbol]:
    stores: dict[str, Symbol] = {}
    pools: dict[str, Symbol] = {}
    vectors: dict[str, Symbol] = {}
    for item in device.items:
        if isinstance(item, ast.StoreItem):
            yield stores.setdefault(item.name.text, Symbol("store", *item.name))
        elif isinstance(item, ast.PoolItem):
            yield pools.setdefault(item.name.text, Symbol("pool", *item.name))
        elif isinstance(item, ast.VectorItem):
            yield vectors.setdefault(item.name.text, Symbol("vector", *item.name))
    for item in device.items:
        if isinstance(item, ast.StoreItem):
            yield from _store(item, layouts)
        elif isinstance(item, ast.VectorItem):
            _use(stores, item.store)
        elif isinstance(item, ast.SharedItem):
            yield Symbol("vector", *item.name)
            _use(vectors, item.vector)
        elif isinstance(item, ast.PoolItem):
            for part in item.ranges:
                _use(stores, part.store)
        elif isinstance(item, ast.SubdeviceItem):
            yield Symbol("subdevice", *item.name)
            for member in item.items:
                if isinstance(member, ast.MemberItem):
                    _use(pools, member.pool)


def _use(known: dict[str, Symbol], word: ast.Word) -> None:
    if word.text in known:
        known[word.text].uses.append(word.span)


def _store(store: ast.StoreItem, layouts: dict[str, Symbol]) -> Iterator[Symbol]:
    for item in store.items:
        if isinstance(item, ast.SlotNameItem):
            _use(layouts, item.name)
        elif isinstance(item, ast.SlotItem):
            yield from _cookies(item)
        elif isinstance(item, ast.CommandCookieItem):
            yield Symbol("cookie", *item.name)


def _cookies(slot: ast.SlotItem) -> Iterator[Symbol]:
    for control in slot.items:
        if not isinstance(control, ast.ControlItem):
            continue
        flags = [item.name for item in control.items if isinstance(item, ast.FlagItem)]
        for item in control.items:
            if isinstance(item, ast.CookieItem):
                enable = [word.span for word in flags if word.text == item.name.text + _ENABLE]
                yield Symbol("cookie", *item.name, enable)


def symbol_at(name: str, text: bytes, offset: int, folders: Sequence[str] = ()) -> Symbol | None:
    """The name that stands at a place of the file."""
    return next((item for item in symbols(name, text, folders) if item.at(name, offset)), None)


def rename(
    name: str, text: bytes, offset: int, new: str, folders: Sequence[str] = ()
) -> list[Edit]:
    """What makes the name at a place another one, everywhere in the file.

    Raises :class:`RenameError` where nothing there has a name, where other files may use it, and
    where the file would have mistakes with the new name that it hasn't now.
    """
    symbol = symbol_at(name, text, offset, folders)
    if symbol is None:
        raise RenameError("there is no name here")
    if symbol.definition.source.name != name:
        raise RenameError(f"{symbol.name} is a layout of another file, which others may include")
    if symbol.kind == "layout" and not load(name, text, folders).devices:
        raise RenameError(f"{symbol.name} may be used in files that include this one")
    edits = [
        Edit(span.start, span.end, new + _suffix(span, symbol))
        for span in (symbol.definition, *symbol.uses)
    ]
    before, after = load(name, text, folders), load(name, apply(text, edits), folders)
    old = {(item.code, item.message) for item in before.diagnostics}
    for item in after.diagnostics:
        if item.is_error and (item.code, item.message) not in old:
            raise RenameError(item.message)
    return edits


def _suffix(span: Span, symbol: Symbol) -> str:
    """What follows the name in a use: an enable bit is called after its cookie."""
    return span.source.text[span.start : span.end].removeprefix(symbol.name)


def apply(text: bytes, edits: Sequence[Edit]) -> bytes:
    """The text with all edits done."""
    out = text.decode("utf-8")
    for edit in sorted(edits, key=lambda edit: -edit.start):
        out = out[: edit.start] + edit.text + out[edit.end :]
    return out.encode()
