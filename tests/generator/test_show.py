"""``imsgen show``: tables, the picture, and the page with its links."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.commands.show import html_of, svg_of
from imsgen.generator.kernel.target import Target
from imsgen.generator.series import Planner
from imsgen.generator.views.chart import chart_of
from imsgen.generator.views.page import found_in, parts_of
from imsgen.generator.views.picture import WIDTH, picture_of

from .conftest import EXAMPLES, REPOSITORY, SMALL, small

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

IDXD = EXAMPLES / "idxd.ims"
LAYOUTS = sorted([*EXAMPLES.glob("*.ims"), *(REPOSITORY / "tests" / "layouts").glob("*.ims")])
SVG = "{http://www.w3.org/2000/svg}"

TABLES = """\
timer: Free-running timer
PCI 1b36:0042; interrupt remapping optional

 store   kind             size                 where
 ──────────────────────────────────────────────────────
 ims     slots in BAR 0   1 slot of 16 bytes   at 0x100


 store   index   count   owner
 ───────────────────────────────────
 ims     0       1       vector tick


 owner   for             what it is
 ───────────────────────────────────────
 tick    timer expired   handled at once
"""


def devices_of(path: Path) -> tuple[Device, ...]:
    result = load(path)
    assert result.ok
    return result.devices


# --- tables -----------------------------------------------------------------------------------


def test_tables(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("show", EXAMPLES / "timer.ims") == 0
    assert capfd.readouterr().out == TABLES


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_every_index_has_one_row(path: Path, imsgen: Run, capfd: Capture) -> None:
    for device in devices_of(path):
        for store in chart_of(device).stores:
            ends = [(piece.first, piece.last + 1) for piece in store.pieces]
            assert ends[0][0] == 0
            assert all(end == start for (_, end), (start, _) in pairwise(ends))
    assert imsgen("show", path) == 0
    out = capfd.readouterr().out
    assert all(owner.name in out for d in devices_of(path) for owner in chart_of(d).owners)


def test_gaps_are_shown(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("show", EXAMPLES / "rocker.ims") == 0
    assert re.search(r"table +15 to 2,047 +2,033 +nobody", capfd.readouterr().out)


# --- the picture ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_picture(path: Path) -> None:
    """It is XML, says what it shows to who can't see it, and leaves no part outside."""
    devices = devices_of(path)
    root = ElementTree.fromstring(svg_of(devices))
    assert root.get("role") == "img"
    named = {item.get("id"): item.text or "" for item in root.iter() if item.get("id")}
    labelled, described = root.get("aria-labelledby"), root.get("aria-describedby")
    assert all(device.name in named[labelled] for device in devices)
    for device in devices:
        chart = chart_of(device)
        assert all(
            f"{s.name} {p.indexes}: " in named[described] for s in chart.stores for p in s.pieces
        )
    assert all(item.text for item in root.iter(f"{SVG}title"))
    width, height = int(root.get("width", 0)), int(root.get("height", 0))
    for rect in root.iter(f"{SVG}rect"):
        x, y, wide, high = (int(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and wide > 0 and high > 0
        assert x + wide <= width and y + high <= height
    assert not list(root.iter(f"{SVG}script"))
    assert b"prefers-color-scheme: dark" in svg_of(devices)


def test_picture_of_many_parts(tmp_path: Path) -> None:
    """What would be too small to be seen is put together, and nothing is drawn twice."""
    vectors = "".join(f"    vector v{n} = ims[{n}];\n" for n in range(100))
    pools = "".join(f"    pool p{n} = ims[{200 + n}] {{ dedicated; }}\n" for n in range(50))
    text = (
        SMALL.format("many")
        .replace("slots 4", "slots 1000")
        .replace('    vector done = ims[0] "done";\n', vectors + pools)
    )
    path = tmp_path / "many.ims"
    path.write_text(text)
    picture = picture_of(devices_of(path))
    assert WIDTH < picture.width < 2 * WIDTH
    texts = [text.text for group in picture.groups for text in group.texts]
    assert "100 vectors: 0 to 99" in texts and "44 more pools" in texts


def test_texts_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "odd.ims"
    path.write_text(
        "# <script>alert(1)</script> &amp;\n" + SMALL.format("odd").replace("Small", "S & T")
    )
    devices = devices_of(path)
    assert b"S &amp; T thing" in svg_of(devices)
    page = html_of(devices)
    assert b"<script" not in page and b"&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp;" in page


# --- the page ---------------------------------------------------------------------------------


class Anchors(HTMLParser):
    """The ids of a page, where it leads, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        if "href" in values and tag == "a":
            self.hrefs.append(values["href"])
        elif "src" in values or "href" in values or tag in ("script", "iframe", "object", "link"):
            self.loads.append(tag)


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_page(path: Path) -> None:
    """One file that needs no network, whose links all lead somewhere."""
    text = html_of(devices_of(path)).decode()
    page = Anchors()
    page.feed(text)
    assert len(set(page.ids)) == len(page.ids)
    assert {href for href in page.hrefs if href.removeprefix("#") not in page.ids} == set()
    assert not page.loads and "@import" not in text and "url(" not in text
    for device in devices_of(path):
        assert all(
            f"#{device.name}.{owner.name}" in page.hrefs for owner in chart_of(device).owners
        )


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_every_part_is_in_c(path: Path, profile: Target) -> None:
    planner = Planner(profile)
    for device in devices_of(path):
        files = planner.series([device]).files
        for part in parts_of(device):
            assert found_in(part, files), (device.name, part.key)
            word = part.key.rpartition(".")[2]
            text = part.span.source.text[part.span.start : part.span.end]
            if "_enable" in word or word in ("share", "dedicated", "reserve", "pending"):
                assert word in text, part.key


def test_the_lines_of_a_part(idxd: Device, profile: Target) -> None:
    files = Planner(profile).series([idxd]).files
    lines = {
        part.key: [files[path].split("\n")[n - 1].strip() for path, n in found_in(part, files)]
        for part in parts_of(idxd)
    }
    assert lines["ims.pasid"] == ["#define IDXD_IMS_CTRL_PASID		GENMASK(31, 12)"]
    assert lines["ims.pasid_enable"] == ["#define IDXD_IMS_CTRL_PASID_ENABLE	BIT(3)"]
    assert lines["ims.data"] == ["__le32	data;"]
    assert lines["ims.slots"] == [".max			= 16128,"]
    assert lines["queue.range1"] == ["{ .source = IDXD_IMS, .first = 0, .last = UINT_MAX },"]
    assert lines["queue.share"] == ["#define IDXD_QUEUE_LIMIT	8"]


# --- files ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_files(imsgen: Run, capfd: Capture) -> None:
    """The same bytes each time, and a word of what was written."""
    names = ["a.svg", "a.png", "a.html"]
    options = [word for name in names for word in (f"--{name[2:]}", name)]
    pytest.importorskip("cairosvg", exc_type=ImportError)
    assert imsgen("show", IDXD, *options) == 0
    assert capfd.readouterr().out == "".join(f"{name}: written\n" for name in names)
    first = [Path(name).read_bytes() for name in names]
    assert first[1].startswith(b"\x89PNG")
    assert imsgen("show", IDXD, *options) == 0
    assert [Path(name).read_bytes() for name in names] == first
    assert Path("a.svg").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_without_what_draws_png(
    imsgen: Run, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written, not even what could be."""
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    assert imsgen("show", IDXD, "--svg", "a.svg", "--png", "a.png") == 1
    out, err = capfd.readouterr()
    assert not out and "pip install 'imsgen[picture]'" in err
    assert not list(Path().iterdir())


def test_a_picture_is_printed(imsgen: Run, capfd: Capture) -> None:
    """And nothing else, so that it can be piped; no file is called so."""
    assert imsgen("show", IDXD, "--svg", "-", "--html", "a.html") == 0
    ElementTree.fromstring(capfd.readouterr().out)
    assert [path.name for path in Path().iterdir()] == ["a.html"]


def test_what_cannot_be_written(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("show", IDXD, "--svg", "none/a.svg") == 1
    assert capfd.readouterr().err == "imsgen: error: none/a.svg: No such file or directory\n"


def test_one_address_for_all_messages() -> None:
    """It is one slot, however many messages there are."""
    (device,) = load(REPOSITORY / "tests" / "devices" / "ufs_qcom.ims").devices
    (store,) = chart_of(device).stores
    assert (store.kind, store.size) == ("one address in the registers", "up to 32 messages")
    assert "the address" in svg_of([device]).decode()


def test_a_layout_is_not_overwritten(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    path = small(tmp_path, "mine")
    text = path.read_text()
    link = tmp_path / "link.svg"
    link.symlink_to(path)
    twice = tmp_path / "twice"
    for options in (("--svg", path), ("--html", link), ("--svg", twice, "--html", twice)):
        assert imsgen("show", path, *options) == 1
        assert "would be overwritten: it is named twice" in capfd.readouterr().err
    assert path.read_text() == text and not twice.exists()


def test_page_of_a_device_in_any_folder(imsgen: Run, tmp_path: Path) -> None:
    text = SMALL.replace("pci", 'path "drivers/net/ethernet/mine"; pci', 1)
    path = small(tmp_path, "mine", text)
    page = tmp_path / "mine.html"
    assert imsgen("show", path, "--html", page) == 0
    assert "drivers/net/ethernet/mine/" in page.read_text()
