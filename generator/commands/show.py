"""``imsgen show``: a layout as a table, as a picture, and as a page."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from imsgen.dsl.model import Device

from .. import __version__
from ..render import Renderer, RenderError
from ..terminal import OK, Failure
from ..views.chart import Chart, chart_of
from .common import add_input, check_apart, load_good, new_parser, put, store

#: Columns of a table that no terminal shows.
COLUMNS = 100

#: Pixels of a PNG for each of the picture.
SCALE = 2


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "show",
        "Show what a layout says: its stores, who has which index, the pools and their gaps. "
        "Without options as tables.",
    )
    add_input(made, many=False)
    made.add_argument(
        "--svg", metavar="FILE", help="write a picture for a datasheet or a letter; '-': print it"
    )
    made.add_argument("--png", metavar="FILE", help="the same as PNG; needs imsgen[picture]")
    made.add_argument(
        "--html",
        metavar="FILE",
        help="write a page with the picture, the layout and the C that is made of each part of it",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Print the tables, or write what is asked for: all of it or nothing."""
    (result,) = load_good([args.file], args.folders or ())
    makers = ((args.svg, svg_of), (args.png, png_of), (args.html, html_of))
    wanted = [(path, make) for path, make in makers if path is not None]
    paths = [path for path, _ in wanted]
    check_apart([path for path in (args.file,) if path != "-"], paths)
    try:
        files = [(path, make(result.devices)) for path, make in wanted]
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error
    if not files:
        put(_tables([chart_of(device) for device in result.devices]))
    for path, content in files:
        if path == "-":
            put(content.decode("utf-8", "surrogateescape"))
            continue
        try:
            store(path, content)
        except OSError as error:
            raise Failure(f"error: {path}: {error.strerror}") from error
        if "-" not in paths:
            put(f"{path}: written\n")
    return OK


# --- files ------------------------------------------------------------------------------------


def svg_of(devices: Sequence[Device]) -> bytes:
    """The picture as SVG."""
    from ..views.picture import picture_of

    context = {"picture": picture_of(devices)}
    return Renderer().markup("show/picture.svg.j2", context).encode()


def png_of(devices: Sequence[Device]) -> bytes:
    """The picture as PNG, in its light colours.

    Raises :class:`Failure` where what draws it isn't installed.
    """
    try:
        svg2png = import_module("cairosvg").svg2png
    except (ImportError, OSError) as error:  # the latter: no Cairo on this machine
        raise Failure(
            "error: --png needs CairoSVG and Cairo: pip install 'imsgen[picture]', "
            f"and on Debian apt install libcairo2 ({error})".replace("\n", " ")
        ) from error
    made: bytes = svg2png(bytestring=svg_of(devices), scale=SCALE, background_color="white")
    return made


def html_of(devices: Sequence[Device]) -> bytes:
    """The page.  Raises :class:`Failure` for a device that Linux can't have."""
    from ..kernel.target import DEFAULT, embedded
    from ..series import Planner, SeriesError
    from ..views.page import page_of

    planner = Planner(embedded(DEFAULT))
    try:
        files = [planner.files(device) for device in devices]
    except SeriesError as error:
        raise Failure(f"error: {error}") from error
    page = page_of(devices, files, __version__)
    return Renderer().markup("show/page.html.j2", {"page": page, "picture": page.picture}).encode()


# --- tables -----------------------------------------------------------------------------------


def _tables(charts: Sequence[Chart]) -> str:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=None if terminal else COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for number, chart in enumerate(charts):
        if number:
            console.print()
        console.print(f"{chart.name}: {chart.title}", style="bold")
        console.print("; ".join(chart.facts))
        for table in _of(chart):
            console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    lines = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    return f"{lines.rstrip()}\n"


def _of(chart: Chart) -> Iterator[object]:
    yield _table(
        ("store", "kind", "size", "where"),
        [(store.name, store.kind, store.size, store.where) for store in chart.stores],
    )
    owners = {owner.name: owner for owner in chart.owners}
    yield _table(
        ("store", "index", "count", "owner"),
        [
            (
                store.name,
                piece.indexes,
                f"{piece.count:,}",
                (
                    ("pool " if owners[piece.owner].pool else "vector ") + piece.owner
                    if piece.owner
                    else "nobody"
                ),
            )
            for store in chart.stores
            for piece in store.pieces
        ],
    )
    yield _table(
        ("owner", "for", "what it is"),
        [
            (
                owner.name,
                owner.purpose,
                "\n".join([owner.size, *(f"{rule.name}: {rule.text}" for rule in owner.rules)]),
            )
            for owner in chart.owners
        ],
    )
    if chart.subdevices:
        yield _table(
            ("subdevices", "number", "pool", "vectors of each"),
            [
                (sub.name, sub.maximum, pool, text)
                for sub in chart.subdevices
                for text, pool in sub.parts
            ],
        )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
