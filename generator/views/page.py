"""The page of a layout: its picture, tables, the layout, and the C that is made of each part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imsgen.dsl.model import Device, Pool
from imsgen.dsl.source import Source

from ..kinds import kinds_of
from ..kinds.linked import InCode, Part, word_in
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


def _offsets(place: InCode, text: str) -> Iterator[int]:
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
    yield Part("device", device.span, (InCode(rf"^int {f}_irqs_init\("),))
    for kind in kinds_of(device):
        yield from kind.parts
    for vector in device.all_vectors:
        yield Part(vector.name, vector.span, (InCode(rf"\b{f}_irq_{vector.name}\("),))
    for pool in device.pools:
        yield from _pool(device, pool)
    for sub in device.subdevices:
        start = rf"^static void {f}_{sub.name}_parts\("
        yield Part(sub.name, sub.span, (InCode(start),))
        for member in sub.members:
            place = InCode(start, rf"&irqs->{member.pool}\b")
            yield Part(f"{sub.name}.{member.pool}", member.span, (place,))


def _pool(device: Device, pool: Pool) -> Iterator[Part]:
    fn, name = f"{device.name}_{pool.name}", pool.name
    info = rf"^static const struct irq_vecpool_info {fn}_info\b"
    if pool.managed:
        start = rf"^int {device.name}_irqs_init\("
        yield Part(name, pool.span, (InCode(start, r"pci_alloc_irq_vectors_affinity"),))
        return
    yield Part(name, pool.span, (InCode(info),))
    for number, item in enumerate(pool.ranges):
        enum = f"{device.name}_{item.store}".upper()
        place = InCode(
            rf"^static const struct irq_vec_range {fn}_ranges\b", rf"\b{enum}, .*{item.first},"
        )
        yield Part(f"{name}.range{number}", item.span, (place,))
    if pool.sharing:
        limit = f"{fn}_limit".upper()
        yield Part(f"{name}.share", pool.sharing.span, (InCode(rf"^#define {limit}\b"),))
    if pool.dedicated:
        place = InCode(rf"\b{fn}_get_dedicated\(")
        yield Part(f"{name}.dedicated", word_in(pool.span, "dedicated"), (place,))
    if pool.reserve:
        place = InCode(info, r"\.reserve\b")
        yield Part(f"{name}.reserve", word_in(pool.span, "reserve"), (place,))
