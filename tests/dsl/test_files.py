"""Files that include files: what is found, what is refused, and whose words are shown."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from dsl_samples import GOOD, STORE, device

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.files import MAX_INCLUDED
from imsgen.dsl.model import IomemStore, to_json

LAYOUT = "slot {} 16 {{ address @0; data @8; control @12 {{ mask bit 0; }} }}\n"


def main(*includes: str, layout: str = "family") -> str:
    """A device whose store has a named layout, behind these includes."""
    lines = "".join(f'include "{path}";\n' for path in includes)
    store = f"store ims: iomem {{ bar 0; offset 0; slots 8; slot {layout}; }}"
    return lines + device(store, "vector v = ims[0];")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a family's file in a folder of its own."""
    work = tmp_path / "work"
    (work / "family").mkdir(parents=True)
    (work / "family" / "slots.ims").write_text(LAYOUT.format("family"))
    monkeypatch.chdir(work)
    return work


def codes(path: str | Path, folders: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Codes of the findings with the files that they are in."""
    return [(f.code, f.span.source.name) for f in load(path, None, folders).diagnostics]


def test_included_layout(folder: Path) -> None:
    (folder / "dev.ims").write_text(main("family/slots.ims"))
    result = load("dev.ims")
    assert not result.diagnostics, render(result.diagnostics)
    store = result.devices[0].stores[0]
    assert isinstance(store, IomemStore)
    assert store.layout.span.source.name == "family/slots.ims"
    assert result.included == ("family/slots.ims",)
    assert result.devices[0].file == "dev.ims"


def test_beside_the_file_wherever_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "dev.ims"
    path.write_text(main("family/slots.ims"))
    monkeypatch.chdir(folder.parent)
    assert load("work/dev.ims").included == ("work/family/slots.ims",)
    assert load(path).ok
    # A text that comes from elsewhere has the folder of its name.
    assert load("work/dev.ims", path.read_bytes()).ok
    assert not load("dev.ims", path.read_bytes()).ok


def test_relative_to_the_including_file(folder: Path) -> None:
    (folder / "family" / "all.ims").write_text('include "slots.ims";\n')
    (folder / "dev.ims").write_text(main("family/all.ims"))
    assert load("dev.ims").included == ("family/all.ims", "family/slots.ims")


def test_read_once_on_two_ways(folder: Path) -> None:
    for name in ("left", "right"):
        text = 'include "slots.ims";\n' + LAYOUT.format(name)
        (folder / "family" / f"{name}.ims").write_text(text)
    (folder / "dev.ims").write_text(main("family/left.ims", "family/right.ims", layout="left"))
    result = load("dev.ims")
    # The second way gives the family's layout too, and one of its own: neither is used.
    assert [f.code for f in result.diagnostics] == ["IMS083"]
    assert result.included.count("family/slots.ims") == 1
    assert len(result.included) == 3


def test_a_file_of_comments_only(folder: Path) -> None:
    (folder / "empty.ims").write_text("# to come\n")
    (folder / "dev.ims").write_text(main("family/slots.ims", "empty.ims"))
    assert codes("dev.ims") == [("IMS083", "dev.ims")]


def test_folders(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    (other / "more.ims").write_text(LAYOUT.format("family"))
    (folder / "dev.ims").write_text(main("more.ims"))
    assert codes("dev.ims") == [("IMS001", "dev.ims")]
    result = load("dev.ims", None, ("../other",))
    assert result.ok and result.included == ("../other/more.ims",)
    # The file's own folder comes first.
    (folder / "more.ims").write_text(LAYOUT.format("family"))
    assert load("dev.ims", None, ("../other",)).included == ("more.ims",)


def test_a_folder_is_no_way_out(folder: Path) -> None:
    (folder.parent / "outside.ims").write_text(LAYOUT.format("family"))
    (folder / "dev.ims").write_text(main("../outside.ims"))
    assert codes("dev.ims") == [("IMS036", "dev.ims")]
    assert codes("dev.ims", ("family",)) == [("IMS036", "dev.ims")]
    (folder / "dev.ims").write_text(main(f"{folder.parent}/outside.ims"))
    assert codes("dev.ims", ("..",)) == [("IMS036", "dev.ims")]


def test_links_stay_inside(folder: Path) -> None:
    (folder.parent / "outside.ims").write_text(LAYOUT.format("family"))
    os.symlink("../outside.ims", folder / "out.ims")
    os.symlink("family/slots.ims", folder / "in.ims")
    os.symlink("..", folder / "up")
    for name in ("out.ims", "up/outside.ims"):
        (folder / "dev.ims").write_text(main(name))
        (found,) = load("dev.ims").diagnostics
        assert (found.code, found.message) == ("IMS036", f"`{name}` leads out of its folder")
    (folder / "dev.ims").write_text(main("in.ims"))
    assert load("dev.ims").ok
    # One file by two names is one file.
    (folder / "dev.ims").write_text(main("in.ims", "family/slots.ims"))
    assert load("dev.ims").ok


def test_cycle_over_a_link(folder: Path) -> None:
    os.symlink("dev.ims", folder / "again.ims")
    (folder / "dev.ims").write_text(main("family/slots.ims", "again.ims"))
    assert codes("dev.ims") == [("IMS080", "dev.ims")]


def test_only_plain_files(folder: Path) -> None:
    """A pipe would never end, and has none to read from here."""
    os.mkfifo(folder / "pipe.ims")
    os.symlink("nowhere.ims", folder / "dangling.ims")
    (folder / "dev.ims").write_text(main("pipe.ims", "dangling.ims", "family"))
    assert [code for code, _ in codes("dev.ims")] == ["IMS001"] * 3


def test_not_permitted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    (found,) = load("dev.ims", main("family/slots.ims").encode()).diagnostics
    assert (found.code, found.message) == (
        "IMS001",
        "can't read `family/slots.ims`: Permission denied",
    )


def test_mistakes_come_in_the_order_of_the_files(folder: Path) -> None:
    (folder / "family" / "slots.ims").write_text(
        LAYOUT.format("family").replace("data @8", "data @14") + "what;\n"
    )
    text = main("family/slots.ims").replace("bar 0", "bar 9").replace("v = ims[0]", "v = ims[9]")
    (folder / "dev.ims").write_text(text)
    assert codes("dev.ims") == [
        ("IMS050", "dev.ims"),
        ("IMS070", "dev.ims"),
        ("IMS055", "family/slots.ims"),
        ("IMS054", "family/slots.ims"),
        ("IMS056", "family/slots.ims"),
        ("IMS010", "family/slots.ims"),
    ]


def test_a_mistake_in_a_layout_is_reported_once(folder: Path) -> None:
    """However many stores have the layout."""
    bad = LAYOUT.format("family").replace("data @8", "data @16")
    second = main().replace("foo", "bar").replace("1234", "1235")
    (folder / "dev.ims").write_text(bad + main() + second)
    assert [code for code, _ in codes("dev.ims")] == ["IMS055"]


def test_what_was_lost_is_not_missed(folder: Path) -> None:
    """A layout may be in the file that is not there."""
    (folder / "dev.ims").write_text(main("missing.ims", "family/slots.ims", layout="other"))
    assert [code for code, _ in codes("dev.ims")] == ["IMS001"]
    (folder / "dev.ims").write_text("slot { }\n" + main(layout="other"))
    assert [code for code, _ in codes("dev.ims")] == ["IMS010"]


def test_as_many_as_there_may_be(folder: Path) -> None:
    for number in range(MAX_INCLUDED):
        text = LAYOUT.format(f"slot_{number}")
        if number:
            text += f'include "f{number - 1}.ims";\n'
        (folder / f"f{number}.ims").write_text(text)
    (folder / "dev.ims").write_text(main(f"f{MAX_INCLUDED - 1}.ims", layout="slot_0"))
    result = load("dev.ims")
    assert not result.diagnostics, render(result.diagnostics)
    assert len(result.included) == MAX_INCLUDED


def test_json_names_the_other_file(folder: Path) -> None:
    (folder / "dev.ims").write_text(main("family/slots.ims"))
    made = to_json(load("dev.ims").devices[0])
    assert made["stores"][0]["span"] == [4, 5, 4, 64]
    assert made["stores"][0]["layout"]["span"] == [1, 1, 1, 68, "slots.ims"]
    (found,) = load("bad.ims", (main("family/slots.ims") * 2).encode()).diagnostics[:1]
    assert found.to_dict()["file"] == "bad.ims"


def test_nothing_is_read_without_need(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that includes nothing is not looked for on the disk."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os.path, "realpath", refuse)
    assert load("dev.ims", GOOD.encode()).ok
    assert load("dev.ims", device(STORE, "vector v = ims[9];").encode()).diagnostics
