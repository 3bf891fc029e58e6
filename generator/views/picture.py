"""A picture of devices: who has which index, where slots are, and what is in one.

All lengths are in pixels, all positions from the upper left corner.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from imsgen.dsl.model import (
    ControlWord,
    Device,
    Endian,
    FieldUse,
    Register,
    SlotStore,
    TableStore,
)

from .chart import Chart, Owner, StoreChart, bytes_of, chart_of, span_of

WIDTH, EDGE, GAP = 960, 24, 16

#: Height of a line of text, of a strip and of a row of bits.
LINE, STRIP, ROW = 17, 30, 30

#: Most boxes and pieces of a strip that are drawn; more would be too small to be seen.
MAX_BOXES, MAX_PIECES = 8, 40

#: Vectors that have a box each; more of them share one.
MAX_VECTORS = 4

#: How many ways to colour a pool there are.
COLOURS = 6

#: Width of a character in a line of 12 pixels, and in a small one, rounded up.
CHARACTER, SMALL = 7.4, 6.8


@dataclass(frozen=True)
class Rect:
    """A rectangle."""

    x: int
    y: int
    width: int
    height: int
    style: str


@dataclass(frozen=True)
class Curve:
    """An area between two curves: the path's data."""

    d: str
    style: str


@dataclass(frozen=True)
class Text:
    """A line of text; ``y`` is its base line."""

    x: int
    y: int
    text: str
    style: str


@dataclass(frozen=True)
class Group:
    """Shapes which belong together, what they are in words, and where they lead."""

    title: str
    href: str
    curves: tuple[Curve, ...]
    rects: tuple[Rect, ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Picture:
    """All devices of a file, one below the other."""

    width: int
    height: int
    title: str
    desc: str
    #: Whether parts of it lead somewhere.
    links: bool
    groups: tuple[Group, ...]


def picture_of(devices: Sequence[Device], links: Mapping[str, str] | None = None) -> Picture:
    """The picture of ``devices``, of which there is one at least.

    ``links`` has the URLs of parts: by `device.store`, `device.pool`, `device.store.register`.
    """
    charts = [chart_of(device) for device in devices]
    width = max(_width(chart) for chart in charts)
    groups: list[Group] = []
    y = EDGE
    for device, chart in zip(devices, charts):
        drawing = _Drawing(device, chart, width, y, links or {})
        groups += drawing.groups
        y = drawing.y + EDGE
    return Picture(
        width=width,
        height=y,
        title="; ".join(f"{chart.name}: {chart.title}" for chart in charts),
        desc=" ".join(sentence for chart in charts for sentence in chart.sentences()),
        links=bool(links),
        groups=tuple(groups),
    )


def _width(chart: Chart) -> int:
    return max(WIDTH, 2 * EDGE + min(len(_boxes(chart)), MAX_BOXES) * 200)


@dataclass(frozen=True)
class _Box:
    """What is drawn for an owner, or for several which there is no room for."""

    names: tuple[str, ...]
    owner: Owner
    style: str


def _boxes(chart: Chart) -> list[_Box]:
    vectors = [owner for owner in chart.owners if not owner.pool]
    pools = [owner for owner in chart.owners if owner.pool]
    boxes = [_Box((owner.name,), owner, "vector") for owner in vectors]
    if len(vectors) > MAX_VECTORS:
        names = tuple(owner.name for owner in vectors)
        several = Owner(f"{len(vectors):,} vectors", False, "", _listed(names), ())
        boxes = [_Box(names, several, "vector")]
    boxes += [
        _Box((owner.name,), owner, f"pool{number % COLOURS}") for number, owner in enumerate(pools)
    ]
    if len(boxes) > MAX_BOXES:
        rest = boxes[MAX_BOXES - 1 :]
        names = tuple(name for box in rest for name in box.names)
        several = Owner(f"{len(names):,} more pools", True, "", _listed(names), ())
        boxes[MAX_BOXES - 1 :] = [_Box(names, several, "rest")]
    return boxes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")


@dataclass(frozen=True)
class _Part:
    """A part of a strip before it has a place."""

    name: str
    text: str
    style: str
    weight: float
    href: str = ""


class _Drawing:
    """One device, drawn from the top downwards; ``y`` is where it ends."""

    def __init__(
        self, device: Device, chart: Chart, width: int, y: int, links: Mapping[str, str]
    ) -> None:
        self.device = device
        self.chart = chart
        self.inner = width - 2 * EDGE
        self.y = y
        self.links = links
        self.groups: list[Group] = []
        self._heading()
        self._map()
        self._addresses()
        for store in device.slot_stores:
            self._slot(store)
        self._subdevices()

    # --- small things -------------------------------------------------------------------------

    def _add(
        self,
        title: str,
        texts: Sequence[Text] = (),
        rects: Sequence[Rect] = (),
        curves: Sequence[Curve] = (),
        key: str = "",
    ) -> None:
        href = self._href(key) if key else ""
        self.groups.append(Group(title, href, tuple(curves), tuple(rects), tuple(texts)))

    def _href(self, key: str) -> str:
        return self.links.get(f"{self.device.name}.{key}", "")

    def _section(self, text: str) -> None:
        self.y += 30
        self._add(text, [Text(EDGE, self.y, text, "section")])
        self.y += 10

    def _heading(self) -> None:
        chart = self.chart
        texts = [Text(EDGE, self.y + 14, f"{chart.name}: {chart.title}", "heading")]
        self.y += 18
        for line in _wrap("; ".join(chart.facts), self.inner):
            self.y += LINE
            texts.append(Text(EDGE, self.y, line, "muted"))
        self._add(texts[0].text, texts)

    def _strip(self, x: int, y: int, width: int, parts: Sequence[_Part]) -> list[tuple[int, int]]:
        """Draw the parts in one line, and tell from where to where each of them is."""
        ends = _shares(x, width, [part.weight for part in parts])
        for part, (left, right) in zip(parts, ends):
            room = right - left - 4
            label = next((t for t in (part.text, part.name) if _fits(t, room)), "")
            text = [Text((left + right) // 2, y + 20, label, "middle small")] if label else []
            rect = Rect(left, y, right - left, STRIP, part.style)
            title = part.text or part.name
            self.groups.append(Group(title, part.href, (), (rect,), tuple(text)))
        return ends

    # --- who has which index ------------------------------------------------------------------

    def _map(self) -> None:
        self._section("Who has which index (not to scale)")
        stores, boxes = self.chart.stores, _boxes(self.chart)
        room = (self.inner - 2 * GAP * (len(stores) - 1)) // len(stores)
        lefts = [EDGE + number * (room + 2 * GAP) for number in range(len(stores))]
        below = max(self._store_text(store, left, room) for store, left in zip(stores, lefts))
        top = below + 8
        pieces: dict[int, list[tuple[int, int]]] = {}
        for store, left in zip(stores, lefts):
            parts, owners = self._pieces(store, boxes)
            for owner, ends in zip(owners, self._strip(left, top, room, parts)):
                if owner is not None:
                    pieces.setdefault(owner, []).append(ends)
        self.y = self._owners(boxes, pieces, top + STRIP, top + STRIP + 52)

    def _store_text(self, store: StoreChart, x: int, width: int) -> int:
        y = self.y + 12
        texts = [Text(x, y, f"{store.name}: {store.kind}", "strong")]
        for line in _wrap(f"{store.size}, {store.where}", width):
            y += LINE
            texts.append(Text(x, y, line, "muted"))
        self._add(f"store {store.name}", texts, key=store.name)
        return y

    def _pieces(
        self, store: StoreChart, boxes: Sequence[_Box]
    ) -> tuple[list[_Part], list[int | None]]:
        """The parts of a store's strip, and the box that each belongs to."""
        box_of = {name: number for number, box in enumerate(boxes) for name in box.names}
        runs: list[tuple[int, int, int | None, str]] = []
        for piece in store.pieces:
            box = box_of.get(piece.owner)
            if runs and box is not None and runs[-1][2] == box and len(boxes[box].names) > 1:
                first, _, _, _ = runs.pop()
                runs.append((first, piece.last, box, boxes[box].owner.name))
            else:
                runs.append((piece.first, piece.last, box, piece.owner or "not used"))
        parts = [
            _Part(
                span_of(first, last),
                f"{name}: {span_of(first, last)}",
                "gap" if box is None else boxes[box].style,
                1 + math.log2(last - first + 1),
                self._href(name) if box is not None else "",
            )
            for first, last, box, name in runs[:MAX_PIECES]
        ]
        if len(runs) > MAX_PIECES:
            parts.append(_Part("more", f"{len(runs) - MAX_PIECES:,} more parts", "gap", 8))
        return parts, [box for _, _, box, _ in runs[:MAX_PIECES]]

    def _owners(
        self, boxes: Sequence[_Box], pieces: Mapping[int, list[tuple[int, int]]], y: int, top: int
    ) -> int:
        """Boxes with what is said of each owner, curves from the strips to them; where it ends."""
        widths = _shares(EDGE, self.inner + GAP, [1 + len(box.owner.rules) for box in boxes], 180)
        bottom = top
        for number, (box, (left, end)) in enumerate(zip(boxes, widths)):
            room = end - left - GAP
            texts, rects, below = self._box(box, left, top, room)
            bottom = max(bottom, below)
            mine = pieces.get(number, [])
            ends = _shares(left, room, [right - start for start, right in mine]) if mine else []
            curves = [
                Curve(_curve(start, right, y, low, high, top), box.style)
                for (start, right), (low, high) in zip(mine, ends)
            ]
            frame = Rect(left, top, room, below - top, box.style)
            what = "pool" if box.owner.pool else "vector"
            self._add(
                f"{what} {box.owner.name}", texts, [frame, *rects], curves, key=box.owner.name
            )
        return bottom

    def _box(self, box: _Box, x: int, y: int, width: int) -> tuple[list[Text], list[Rect], int]:
        owner, inside = box.owner, width - 20
        what = "pool " if owner.pool and box.style != "rest" else ""
        what = what if what or len(box.names) > 1 else "vector "
        y += 20
        texts = [Text(x + 10, y, f"{what}{owner.name}", "strong")]
        rects: list[Rect] = []
        for line in [*_wrap(owner.purpose, inside), *_wrap(owner.size, inside)]:
            y += LINE
            texts.append(Text(x + 10, y, line, "plain"))
        for rule in owner.rules:
            y += 4
            for line in _wrap(f"{rule.name}: {rule.text}", inside):
                y += LINE
                texts.append(Text(x + 10, y, line, "plain"))
            if rule.name != "reserve":
                y += 6
                self._cpus(rule.everywhere, x + 10, y, texts, rects)
                y += 18
        return texts, rects, y + 12

    def _cpus(self, everywhere: bool, x: int, y: int, texts: list[Text], rects: list[Rect]) -> None:
        """Small boxes for the CPUs, filled where there is a vector."""
        texts.append(Text(x, y + 13, "CPU", "muted small"))
        for number, label in enumerate("0 1 2 3 … n".split()):
            left = x + 32 + 22 * number
            full = (everywhere and label != "…") or number == 2
            rects.append(Rect(left, y, 18, 18, "cpu full" if full else "cpu"))
            texts.append(Text(left + 9, y + 13, label, "middle small" + " full" * full))

    # --- where slots are ----------------------------------------------------------------------

    def _addresses(self) -> None:
        """A strip for each BAR that the device's own store is in, or for its registers."""
        for store in self.device.stores:
            if isinstance(store, TableStore):
                for bar in dict.fromkeys(block.bar for block in _blocks(store)):
                    blocks = [block for block in _blocks(store) if block.bar == bar]
                    self._bar(bar, sorted(blocks, key=lambda block: block.start or 0))

    def _bar(self, bar: int | None, blocks: Sequence[_Block]) -> None:
        other = "Registers" if self.device.is_platform else "The BAR that the driver passes"
        where = other if bar is None else f"BAR {bar}"
        self._section(f"{where} (not to scale)")
        parts: list[_Part] = []
        at = 0
        for block in blocks:
            if block.start is None:
                where = f"the driver's offset, {block.size:#x} bytes"
            else:
                where = bytes_of(block.start, block.size)
            if block.start is None or block.start > at:
                parts.append(_Part("not used", "", "gap", 1))
            style = "register" if block.slots else "bits"
            href = self._href(block.key)
            parts.append(_Part(block.name, f"{block.name}: {where}", style, 8, href))
            at = (block.start or 0) + block.size
        parts.append(_Part("not used", "", "gap", 1))
        if len(parts) > MAX_PIECES:
            parts = [*parts[:MAX_PIECES], _Part("more", "more tables", "gap", 4)]
        texts = [part.text for part in parts if part.text]
        ends = self._strip(EDGE, self.y, self.inner, parts)
        self.y += STRIP
        if not all(_fits(p.text, right - left - 4) for p, (left, right) in zip(parts, ends)):
            lines = _wrap("; ".join(texts), self.inner)
            for line in lines:
                self.y += LINE
                self._add(line, [Text(EDGE, self.y, line, "muted")])

    # --- what is in a slot --------------------------------------------------------------------

    def _slot(self, store: SlotStore) -> None:
        layout = store.layout
        order = "big" if layout.endian is Endian.BIG else "little"
        self._section(f"A slot of {store.name}: {layout.stride} bytes, {order} endian")
        left, cell = EDGE + 80, 16
        self.y += 14
        bits = [
            Text(left + (31 - bit) * cell + cell // 2, self.y, str(bit), "middle small muted")
            for bit in (31, 24, 23, 16, 15, 8, 7, 0)
        ]
        self._add("bits of a word", [Text(EDGE, self.y, "byte", "small muted"), *bits])
        self.y += 6
        words = {at for r in _registers(store) for at in _words(r)}
        at = 0
        for word in sorted(words):
            self._unused(at, word, left, 32 * cell)
            self._word(store, word, left, cell)
            at = word + 4
        self._unused(at, layout.stride, left, 32 * cell)

    def _unused(self, start: int, end: int, x: int, width: int) -> None:
        if end <= start:
            return
        label = f"{start} to {end - 1}"
        texts = [
            Text(EDGE, self.y + 20, label, "small"),
            Text(x + width // 2, self.y + 20, "not used", "middle small muted"),
        ]
        self._add(f"bytes {label}: not used", texts, [Rect(x, self.y, width, ROW, "gap")])
        self.y += ROW

    def _word(self, store: SlotStore, word: int, x: int, cell: int) -> None:
        """The registers in 32 bits of a slot, and beside them what they are."""
        inside = [r for r in _registers(store) if word in _words(r)]
        big = store.layout.endian is Endian.BIG
        notes: list[str] = []
        fields = [field for r in inside for field in _half(_fields(store, r), word, big)]
        for field in fields:
            notes += _wrap(field.note, self.inner - 80 - 32 * cell - GAP) if field.note else []
        height = max(ROW, len(notes) * LINE + 6)
        free = Rect(x, self.y, 32 * cell, height, "gap")
        self._add(f"byte {word}", [Text(EDGE, self.y + 20, str(word), "small")], [free])
        for field in fields:
            within = max(field.register.offset - word, 0)
            width = min(field.register.width, 32)
            start = 32 - 8 * within - width if big else 8 * within
            left = x + (31 - (start + field.high % 32)) * cell
            wide = (field.high - field.low + 1) * cell
            label = next((t for t in field.labels if _fits(t, wide - 2)), "")
            text = [Text(left + wide // 2, self.y + 20, label, "middle small")] if label else []
            rect = Rect(left, self.y, wide, height, field.style)
            self._add(field.title, text, [rect], key=f"{store.name}.{field.name}")
        lines = [
            Text(x + 32 * cell + GAP, self.y + 18 + number * LINE, note, "small")
            for number, note in enumerate(notes)
        ]
        if lines:
            self._add(" ".join(notes), lines)
        self.y += height

    # --- subdevices ---------------------------------------------------------------------------

    def _subdevices(self) -> None:
        boxes = {name: box for box in _boxes(self.chart) for name in box.names}
        for sub in self.chart.subdevices:
            self._section(f"Vectors of each subdevice {sub.name}, {sub.maximum} of them")
            parts = [
                _Part(pool, f"{pool}, {text}", boxes[pool].style, 1, self._href(pool))
                for text, pool in sub.parts
            ]
            ends = self._strip(EDGE, self.y, self.inner, parts[:MAX_PIECES])
            self.y += STRIP
            if not all(_fits(p.text, right - left - 4) for p, (left, right) in zip(parts, ends)):
                for line in _wrap("; ".join(part.text for part in parts), self.inner):
                    self.y += LINE
                    self._add(line, [Text(EDGE, self.y, line, "muted")])


# --- what is drawn ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """Bytes of a BAR; ``start`` is None where the driver passes it."""

    #: None for the registers of a platform device, and for a BAR that the driver passes.
    bar: int | None
    start: int | None
    size: int
    name: str
    slots: bool
    key: str


def _blocks(store: TableStore) -> Iterator[_Block]:
    stride, first = store.layout.stride, 0
    for number, table in enumerate(store.tables):
        name = f"slots {span_of(first, first + table.slots - 1)}"
        key = f"{store.name}.table{number}"
        yield _Block(store.bar, table.offset, table.slots * stride, name, True, key)
        first += table.slots
    if not store.tables:
        name = f"slots {span_of(0, store.slots.maximum - 1)}"
        size = store.slots.maximum * stride
        if store.layout.data is None:
            name, size = "the address", stride
        yield _Block(store.bar, store.offset.value, size, name, True, f"{store.name}.offset")
    size = -(-store.slots.maximum // 32) * 4
    for what, bits in store.arrays:
        name = what.removesuffix("_bits") + " bits"
        yield _Block(bits.bar, bits.offset, size, name, False, f"{store.name}.{what}")


@dataclass(frozen=True)
class _Field:
    """Bits ``low`` to ``high`` of a register."""

    register: Register
    name: str
    low: int
    high: int
    style: str
    note: str

    @property
    def bits(self) -> str:
        """The bits as a datasheet has them."""
        return str(self.low) if self.low == self.high else f"{self.high}:{self.low}"

    @property
    def labels(self) -> tuple[str, ...]:
        """What may stand in it, the best first."""
        return (f"{self.name} {self.bits}", self.name, self.bits)

    @property
    def title(self) -> str:
        """What it is in words."""
        return f"{self.name}, bits {self.bits} at byte {self.register.offset}: {self.note}"


_NOTES = {
    "address_lo": "message address, low half",
    "address_hi": "message address, high half",
    "data": "message data",
}


def _registers(store: SlotStore) -> list[Register]:
    layout = store.layout
    control = layout.control.register if layout.control else None
    found = (layout.address_lo, layout.address_hi, layout.data, control, *layout.registers)
    return sorted((r for r in found if r), key=lambda r: r.offset)


def _fields(store: SlotStore, register: Register) -> list[_Field]:
    control = store.layout.control
    if control and register is control.register:
        return sorted(_control(control), key=lambda field: -field.high)
    note = _NOTES.get(register.name, "message address")
    if register in store.layout.registers:
        note = "the driver's"
    return [_Field(register, register.name, 0, register.width - 1, "register", note)]


def _words(register: Register) -> range:
    """The 32-bit words of a slot that a register is in, by their first bytes."""
    first = register.offset // 4 * 4
    return range(first, register.offset + register.width // 8, 4)


def _half(fields: list[_Field], word: int, big: bool) -> Iterator[_Field]:
    """The parts of fields that are in one word: of 64 bits, each word has a half."""
    for field in fields:
        words = list(_words(field.register))
        low = 32 * (words[::-1] if big else words).index(word)
        if field.low < low + 32 and field.high >= low:
            yield replace(field, low=max(field.low, low), high=min(field.high, low + 31))


def _control(control: ControlWord) -> Iterator[_Field]:
    register = control.register
    if control.mask:
        bit, state = control.mask.bit, "cleared" if control.mask.active_low else "set"
        yield _Field(register, "mask", bit, bit, "bits", f"{bit} mask: {state} while masked")
    for cookie in control.cookies:
        high = cookie.shift + cookie.width - 1
        may = ", may be absent" if cookie.optional else ""
        note = f"{high}:{cookie.shift} {cookie.name}: a cookie{may}"
        yield _Field(register, cookie.name, cookie.shift, high, "cookie", note)
        if cookie.enable_bit is not None:
            bit, name = cookie.enable_bit, f"{cookie.name}_enable"
            yield _Field(
                register, name, bit, bit, "cookie", f"{bit} {name}: set with {cookie.name}"
            )
    for item in control.fields:
        high = item.shift + item.width - 1
        fixed = item.use is FieldUse.FIXED
        note = f"{high}:{item.shift} {item.name}: {hex(item.value) if fixed else item.use.value}"
        yield _Field(register, item.name, item.shift, high, "bits", note)


# --- geometry ---------------------------------------------------------------------------------


def _fits(text: str, width: int) -> bool:
    return len(text) * SMALL <= width


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(8, int(width / CHARACTER)))


def _shares(
    x: int, width: int, weights: Sequence[float], least: float = 14
) -> list[tuple[int, int]]:
    """Parts of a width by their weights, none smaller than ``least`` where there is room."""
    least = min(least, width / len(weights))
    rest, total = width - least * len(weights), sum(weights)
    out: list[tuple[int, int]] = []
    at = 0.0
    for weight in weights:
        end = at + least + rest * weight / total
        out.append((x + round(at), x + round(end)))
        at = end
    return out


def _curve(left: int, right: int, y: int, low: int, high: int, top: int) -> str:
    middle = (y + top) // 2
    return (
        f"M{left} {y}C{left} {middle} {low} {middle} {low} {top}"
        f"L{high} {top}C{high} {middle} {right} {middle} {right} {y}Z"
    )
