"""``imsgen fmt`` as a command: what it writes, what it says, and when it writes nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import EXAMPLES

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

UGLY = """device foo {pci 1af4:1234;   store table:msix; # a store
vector v=table[0];}
"""
PRETTY = """device foo {
    pci 1af4:1234;
    store table: msix; # a store
    vector v = table[0];
}
"""
LAYOUT = "slot family 8{address_lo @0;\ndata @4;}\n"


class _Stdin:
    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def test_in_place(imsgen: Run, capfd: Capture) -> None:
    Path("a.ims").write_text(UGLY)
    Path("b.ims").write_text(PRETTY)
    os.chmod("a.ims", 0o640)
    before = Path("b.ims").stat()
    assert imsgen("fmt", "a.ims", "b.ims") == 0
    assert capfd.readouterr().out == "a.ims: formatted\n"
    assert Path("a.ims").read_text() == Path("b.ims").read_text() == PRETTY
    assert Path("a.ims").stat().st_mode & 0o777 == 0o640
    after = Path("b.ims").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(os.listdir()) == ["a.ims", "b.ims"]


def test_a_link_stays_one(imsgen: Run) -> None:
    Path("real").mkdir()
    Path("real/a.ims").write_text(UGLY)
    Path("a.ims").symlink_to("real/a.ims")
    assert imsgen("fmt", "a.ims") == 0
    assert Path("a.ims").is_symlink() and Path("real/a.ims").read_text() == PRETTY


def test_check_and_diff_write_nothing(imsgen: Run, capfd: Capture) -> None:
    Path("a.ims").write_text(UGLY)
    assert imsgen("fmt", "--check", "a.ims") == 1
    assert capfd.readouterr().err == "imsgen: not formatted: a.ims\n"
    assert imsgen("fmt", "--diff", "a.ims") == 0
    out = capfd.readouterr().out
    assert out.startswith("--- a.ims\n+++ a.ims\n@@") and "\n+    vector v = table[0];\n" in out
    assert imsgen("fmt", "--diff", "--check", "a.ims") == 1
    assert Path("a.ims").read_text() == UGLY
    Path("a.ims").write_text(PRETTY)
    assert imsgen("fmt", "--diff", "--check", "a.ims") == 0


def test_standard_input(imsgen: Run, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (UGLY, PRETTY):
        monkeypatch.setattr("sys.stdin", _Stdin(text))
        assert imsgen("fmt", "-") == 0
        assert capfd.readouterr() == (PRETTY, "")
    monkeypatch.setattr("sys.stdin", _Stdin(UGLY))
    assert imsgen("fmt", "--check", "-") == 1
    assert capfd.readouterr() == ("", "imsgen: not formatted: stdin\n")
    monkeypatch.setattr("sys.stdin", _Stdin("device {"))
    assert imsgen("fmt", "-") == 1
    out, err = capfd.readouterr()
    assert not out and err.startswith("stdin:1:8: error[IMS010]")
    assert imsgen("fmt", "-", "-") == 1
    assert not os.listdir()


def test_included_files(imsgen: Run) -> None:
    """A file of layouts by itself, and a file that includes from another folder."""
    Path("parts").mkdir()
    Path("parts/family.ims").write_text(LAYOUT)
    device = UGLY.replace(
        "store table:msix;",
        "requires remapping; store table: memory {slots 8; unmaskable; slot family;}",
    )
    Path("a.ims").write_text(f'include "family.ims";\n{device}')
    assert imsgen("fmt", "a.ims") == 1
    assert imsgen("fmt", "a.ims", "parts/family.ims", "-I", "parts") == 0
    assert Path("parts/family.ims").read_text() == (
        "slot family 8 {\n    address_lo @0;\n    data @4;\n}\n"
    )
    assert imsgen("fmt", "--check", "a.ims", "parts/family.ims", "-I", "parts") == 0
    assert imsgen("check", "a.ims", "-I", "parts") == 0


def test_one_bad_file_keeps_all_as_they_are(imsgen: Run, capfd: Capture) -> None:
    Path("a.ims").write_text(UGLY)
    Path("b.ims").write_text(UGLY.replace("1af4", "1af"))
    assert imsgen("fmt", "a.ims", "b.ims") == 1
    out, err = capfd.readouterr()
    assert not out and err.startswith("b.ims:1:17: error[IMS042]")
    assert Path("a.ims").read_text() == UGLY
    assert imsgen("fmt", "none.ims") == 1
    assert "none.ims: No such file" in capfd.readouterr().err


def test_a_folder_without_leave(
    imsgen: Run, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be renamed leaves the old text, and nothing beside it."""
    Path("a.ims").write_text(UGLY)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    assert imsgen("fmt", "a.ims") == 1
    assert capfd.readouterr().err == "imsgen: error: a.ims: Permission denied\n"
    assert Path("a.ims").read_text() == UGLY and os.listdir() == ["a.ims"]


def test_examples_are_formatted(imsgen: Run) -> None:
    files = [*EXAMPLES.glob("*.ims"), *EXAMPLES.glob("parts/*.ims")]
    assert len(files) > 10
    assert imsgen("fmt", "--check", *sorted(files)) == 0
