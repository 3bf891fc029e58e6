"""Parts of a layout, and the lines of C that are made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imsgen.dsl.model import IomemStore, Register, RegistersStore, SlotLayout
from imsgen.dsl.source import Span


@dataclass(frozen=True)
class InCode:
    """A line of C: the first that ``line`` is found in, from where ``start`` is to the next ``}``.

    Both are regular expressions.  Where ``line`` is empty, each line with ``start`` is meant.
    """

    start: str
    line: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a layout: `store.register` and the like, where it is said, and where in C.

    Of ``places`` the first that there is counts.
    """

    key: str
    span: Span
    places: tuple[InCode, ...]


def table_parts(
    store: IomemStore | RegistersStore, fn: str, start: str, line: str
) -> Iterator[Part]:
    """Where the slots are: in tables, or at the offset in a line behind ``start``."""
    for number, table in enumerate(store.tables):
        tables = rf"^static const struct .*\b{fn}_tables\b"
        inside = rf"{table.offset:#x}, .*{table.slots}\b"
        key = f"{store.name}.table{number}"
        yield Part(key, table.span, (InCode(tables, inside), InCode(tables)))
    if not store.tables:
        places = (InCode(start, line), InCode(start))
        yield Part(f"{store.name}.offset", store.offset.span, places)


def slot_parts(name: str, fn: str, layout: SlotLayout) -> Iterator[Part]:
    """What is in a slot of a store."""
    yield Part(f"{name}.slot", layout.span, (InCode(rf"^struct {fn}_slot {{"),))
    for register in (layout.address_lo, layout.address_hi, layout.data, *layout.registers):
        if register:
            yield _register(name, fn, register)
    if not layout.control:
        return
    yield _register(name, fn, layout.control.register)
    ctrl = f"{fn}_ctrl".upper()
    if layout.control.mask:
        place = InCode(rf"^#define {ctrl}_MASK\b")
        yield Part(f"{name}.mask", layout.control.mask.span, (place,))
    for item in layout.control.fields:
        # What the device has is only written as 0.
        place = InCode(rf"^#define {ctrl}_{item.name.upper()}\b")
        places = (place, InCode(rf"^struct {fn}_slot {{", rf"\b{layout.control.register.name};"))
        yield Part(f"{name}.{item.name}", item.span, places)
    for cookie in layout.control.cookies:
        bits = rf"^#define {ctrl}_{cookie.name.upper()}"
        yield Part(f"{name}.{cookie.name}", cookie.span, (InCode(rf"{bits}\b"),))
        if cookie.enable_bit is not None:
            key = f"{name}.{cookie.name}_enable"
            yield Part(
                key, word_in(layout.span, f"{cookie.name}_enable"), (InCode(f"{bits}_ENABLE"),)
            )


def _register(store: str, fn: str, register: Register) -> Part:
    slot = rf"^struct {fn}_slot {{"
    # In memory, address and data are one member.
    places = (InCode(slot, rf"\b{register.name};"), InCode(slot, r"\bmessage;"))
    return Part(f"{store}.{register.name}", register.span, places)


def word_in(span: Span, word: str) -> Span:
    """Where a word is within a span, which is that of the whole where a name is like it."""
    found = re.compile(rf"\b{word}\b").search(span.source.text, span.start, span.end)
    return Span(span.source, found.start(), found.end()) if found else span
