"""The page of a layout: its picture, tables, the layout, and the C that is made of each part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imsgen.dsl.model import (
    CommandStore,
    Device,
    ImsStore,
    IomemStore,
    Pool,
    Register,
    RegistersStore,
    SlotStore,
    Store,
)
from imsgen.dsl.source import Source, Span

from .chart import Chart, chart_of
from .picture import Picture, picture_of


@dataclass(frozen=True)
class Link:
    """Where something is: an anchor of the page, and what to call it."""

    href: str
    text: str


@dataclass(frozen=True)
class Row:
    """A part of the layout: where it is said, and where it is in C."""

    anchor: str
    name: str
    layout: Link
    code: tuple[Link, ...]


@dataclass(frozen=True)
class Line:
    """A line of a text, with links to what belongs to it."""

    anchor: str
    number: int
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Listing:
    """A file."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Section:
    """A device: what it has, and its parts."""

    chart: Chart
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Page:
    """All of it."""

    title: str
    version: str
    picture: Picture
    sections: tuple[Section, ...]
    layouts: tuple[Listing, ...]
    code: tuple[Listing, ...]


@dataclass(frozen=True)
class Place:
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
    places: tuple[Place, ...]


def page_of(devices: Sequence[Device], files: Sequence[Mapping[str, str]], version: str) -> Page:
    """The page of ``devices``; ``files`` are the texts that are made of each, by path."""
    sources = _sources(devices)
    code = {path: text for texts in files for path, text in texts.items() if _is_code(path)}
    numbers = {path: number for number, path in enumerate(code)}
    links: dict[str, str] = {}
    behind: dict[str, list[Link]] = {}
    sections = []
    for device, texts in zip(devices, files):
        rows = []
        mine = {path: texts[path] for path in texts if path in code}
        for part in parts_of(device):
            row = _row(device, part, sources, mine, numbers)
            rows.append(row)
            links[row.anchor] = f"#{row.anchor}"
            behind.setdefault(row.layout.href, []).extend(row.code)
            for link in row.code:
                behind.setdefault(link.href, []).append(row.layout)
        sections.append(Section(chart_of(device), tuple(rows)))
    return Page(
        title="; ".join(section.chart.name for section in sections),
        version=version,
        picture=picture_of(devices, links),
        sections=tuple(sections),
        layouts=tuple(
            _listing(source.name.rpartition("/")[2], source.text, f"layout{number}", behind)
            for number, source in enumerate(sources)
        ),
        code=tuple(
            _listing(path, text, f"code{numbers[path]}", behind) for path, text in code.items()
        ),
    )


def _is_code(path: str) -> bool:
    return path.endswith((".c", ".h")) and "/tests/" not in path


def _sources(devices: Sequence[Device]) -> list[Source]:
    """The files that something of the devices is in: their own, then what they include."""
    found = [device.span.source for device in devices]
    found += [part.span.source for device in devices for part in parts_of(device)]
    return list(dict.fromkeys(found))


def _row(
    device: Device,
    part: Part,
    sources: Sequence[Source],
    files: Mapping[str, str],
    numbers: Mapping[str, int],
) -> Row:
    source = part.span.source
    where = f"#layout{sources.index(source)}-{part.span.line}"
    name = source.name.rpartition("/")[2]
    return Row(
        anchor=f"{device.name}.{part.key}",
        name=part.key,
        layout=Link(where, f"{name}:{part.span.line}"),
        code=tuple(
            Link(f"#code{numbers[path]}-{line}", f"{path.rpartition('/')[2]}:{line}")
            for path, line in found_in(part, files)
        ),
    )


def found_in(part: Part, files: Mapping[str, str]) -> list[tuple[str, int]]:
    """The lines of C that are made of a part: paths and numbers from 1."""
    for place in part.places:
        found = [
            (path, text.count("\n", 0, at) + 1)
            for path, text in files.items()
            for at in _offsets(place, text)
        ]
        if found:
            return found
    return []


def _offsets(place: Place, text: str) -> Iterator[int]:
    for start in re.finditer(place.start, text, re.MULTILINE):
        if not place.line:
            yield start.start()
            continue
        end = text.find("\n}", start.start())
        inside = re.compile(place.line).search(text, start.start(), end)
        if inside:
            yield inside.start()


def _listing(name: str, text: str, anchor: str, behind: Mapping[str, Sequence[Link]]) -> Listing:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return Listing(
        name,
        tuple(
            Line(
                f"{anchor}-{number}",
                number,
                line,
                tuple(dict.fromkeys(behind.get(f"#{anchor}-{number}", ()))),
            )
            for number, line in enumerate(lines, 1)
        ),
    )


# --- parts ------------------------------------------------------------------------------------


def parts_of(device: Device) -> Iterator[Part]:
    """The parts of a device in the order of the model."""
    f = device.name
    yield Part("device", device.span, (Place(rf"^int {f}_irqs_init\("),))
    for store in device.stores:
        yield from _store(device, store)
    for vector in device.all_vectors:
        yield Part(vector.name, vector.span, (Place(rf"\b{f}_irq_{vector.name}\("),))
    for pool in device.pools:
        yield from _pool(device, pool)
    for sub in device.subdevices:
        start = rf"^static void {f}_{sub.name}_parts\("
        yield Part(sub.name, sub.span, (Place(start),))
        for member in sub.members:
            place = Place(start, rf"&irqs->{member.pool}\b")
            yield Part(f"{sub.name}.{member.pool}", member.span, (place,))


def _store(device: Device, store: Store) -> Iterator[Part]:
    fn, name = f"{device.name}_{store.name}", store.name
    if isinstance(store, RegistersStore):
        start = rf"^static int {fn}_init\("
        yield Part(name, store.span, (Place(start),))
        yield Part(f"{name}.slots", store.slots.span, (Place(start, r"nr > "), Place(start)))
        yield from _tables(device, store, rf"^int {device.name}_irqs_init\(", f"{name}_init")
        yield from _layout(store, fn)
        return
    if not isinstance(store, ImsStore):
        start = rf"^int {device.name}_irqs_init\("
        places = (Place(start, rf"&irqs->{name}\b"), Place(start, r"pci_alloc_irq_vectors"))
        yield Part(name, store.span, places)
        return
    info = rf"^static const struct pci_ims_info {fn}_info\b"
    yield Part(name, store.span, (Place(info),))
    yield Part(f"{name}.slots", store.slots.span, (Place(info, r"\.max\b"), Place(info)))
    if isinstance(store, IomemStore):
        yield from _iomem(device, store, info)
    if isinstance(store, SlotStore):
        yield from _layout(store, fn)
    if isinstance(store, CommandStore):
        for cookie in store.cookies:
            place = Place(rf"^struct {fn}_cookie {{", rf"\b{cookie.name};")
            yield Part(f"{name}.{cookie.name}", cookie.span, (place, Place(info, "nr_cookies")))


def _iomem(device: Device, store: IomemStore, info: str) -> Iterator[Part]:
    name = store.name
    params = rf"^\tconst struct pci_ims_params {name}_params\b"
    yield from _tables(device, store, params, r"\.offset = ")
    for what, bits in (("mask_bits", store.mask_bits), ("pending", store.pending)):
        if bits:
            yield Part(f"{name}.{what}", bits.span, (Place(info, rf"\.{what}\b"),))


def _tables(
    device: Device, store: IomemStore | RegistersStore, start: str, line: str
) -> Iterator[Part]:
    """Where the slots are: in tables, or at the offset in a line behind ``start``."""
    name = store.name
    for number, table in enumerate(store.tables):
        tables = rf"^static const struct .*\b{device.name}_{name}_tables\b"
        inside = rf"{table.offset:#x}, .*{table.slots}\b"
        yield Part(f"{name}.table{number}", table.span, (Place(tables, inside), Place(tables)))
    if not store.tables:
        places = (Place(start, line), Place(start))
        yield Part(f"{name}.offset", store.offset.span, places)


def _layout(store: SlotStore, fn: str) -> Iterator[Part]:
    name, layout = store.name, store.layout
    yield Part(f"{name}.slot", layout.span, (Place(rf"^struct {fn}_slot {{"),))
    for register in (layout.address_lo, layout.address_hi, layout.data, *layout.registers):
        if register:
            yield _register(name, fn, register)
    if not layout.control:
        return
    yield _register(name, fn, layout.control.register)
    ctrl = f"{fn}_ctrl".upper()
    if layout.control.mask:
        place = Place(rf"^#define {ctrl}_MASK\b")
        yield Part(f"{name}.mask", layout.control.mask.span, (place,))
    for item in layout.control.fields:
        # What the device has is only written as 0.
        place = Place(rf"^#define {ctrl}_{item.name.upper()}\b")
        places = (place, Place(rf"^struct {fn}_slot {{", rf"\b{layout.control.register.name};"))
        yield Part(f"{name}.{item.name}", item.span, places)
    for cookie in layout.control.cookies:
        bits = rf"^#define {ctrl}_{cookie.name.upper()}"
        yield Part(f"{name}.{cookie.name}", cookie.span, (Place(rf"{bits}\b"),))
        if cookie.enable_bit is not None:
            key = f"{name}.{cookie.name}_enable"
            yield Part(key, _word(layout.span, f"{cookie.name}_enable"), (Place(f"{bits}_ENABLE"),))


def _register(store: str, fn: str, register: Register) -> Part:
    slot = rf"^struct {fn}_slot {{"
    # In memory, address and data are one member.
    places = (Place(slot, rf"\b{register.name};"), Place(slot, r"\bmessage;"))
    return Part(f"{store}.{register.name}", register.span, places)


def _pool(device: Device, pool: Pool) -> Iterator[Part]:
    fn, name = f"{device.name}_{pool.name}", pool.name
    info = rf"^static const struct irq_vecpool_info {fn}_info\b"
    if pool.managed:
        start = rf"^int {device.name}_irqs_init\("
        yield Part(name, pool.span, (Place(start, r"pci_alloc_irq_vectors_affinity"),))
        return
    yield Part(name, pool.span, (Place(info),))
    for number, item in enumerate(pool.ranges):
        enum = f"{device.name}_{item.store}".upper()
        place = Place(
            rf"^static const struct irq_vec_range {fn}_ranges\b", rf"\b{enum}, .*{item.first},"
        )
        yield Part(f"{name}.range{number}", item.span, (place,))
    if pool.sharing:
        limit = f"{fn}_limit".upper()
        yield Part(f"{name}.share", pool.sharing.span, (Place(rf"^#define {limit}\b"),))
    if pool.dedicated:
        place = Place(rf"\b{fn}_get_dedicated\(")
        yield Part(f"{name}.dedicated", _word(pool.span, "dedicated"), (place,))
    if pool.reserve:
        place = Place(info, r"\.reserve\b")
        yield Part(f"{name}.reserve", _word(pool.span, "reserve"), (place,))


def _word(span: Span, word: str) -> Span:
    """Where a word is within a span, which is that of the whole where a name is like it."""
    found = re.compile(rf"\b{word}\b").search(span.source.text, span.start, span.end)
    return Span(span.source, found.start(), found.end()) if found else span
