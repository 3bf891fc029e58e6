"""What is kept between runs is used while it fits, and never needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lark
import pytest
from dsl_samples import GOOD

from imsgen.dsl import load
from imsgen.dsl.cache import folder
from imsgen.dsl.tokens import grammar
from imsgen.generator.render import environment
from imsgen.templates import ROOT

#: A template, and what it wants.
TEMPLATE = "series/maintainers.j2"
CONTEXT: dict[str, object] = {"about": {"maintainers": []}, "files": []}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, which no process has read yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    grammar.cache_clear()
    environment.cache_clear()
    yield tmp_path / "cache"
    grammar.cache_clear()
    environment.cache_clear()


def works() -> bool:
    """Whether a file can be read, and a template."""
    grammar.cache_clear()
    environment.cache_clear()
    text = environment(ROOT).get_template(TEMPLATE).render(CONTEXT)
    return load("good.ims", GOOD.encode()).ok and bool(text)


def kept(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


def test_made_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert works()
    files = kept(home)
    assert {path.parent.name.partition("-")[0] for path in files} == {"lark", "jinja2"}
    before = {path: path.stat().st_mtime_ns for path in files}
    # Not by Lark's own reading of grammars, and not by Jinja2's of templates.
    monkeypatch.setattr(lark.lark, "load_grammar", None)
    monkeypatch.setattr("jinja2.Environment._parse", None)
    assert works()
    assert {path: path.stat().st_mtime_ns for path in kept(home)} == before


@pytest.mark.slow
def test_another_version_reads_nothing_of_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert works()
    files = kept(home)
    monkeypatch.setattr(lark, "__version__", "1.999")
    monkeypatch.setattr("jinja2.__version__", "3.999")
    assert works()
    assert len(kept(home)) == 2 * len(files)


@pytest.mark.slow
@pytest.mark.parametrize("bad", [b"", b"\0", b"x" * 1000])
def test_what_cannot_be_read_is_nothing(home: Path, bad: bytes) -> None:
    assert works()
    for path in kept(home):
        data = path.read_bytes()
        for spoilt in (bad, data[: len(data) // 2], data[:-1]):
            path.write_bytes(spoilt)
            assert works()


@pytest.mark.slow
def test_what_is_cut_off_anywhere_is_nothing(home: Path) -> None:
    """Short files: of long ones, the test above."""
    assert works()
    (path,) = home.glob("*/*/jinja2-*/*")
    data = path.read_bytes()
    for length in range(60):
        path.write_bytes(data[:length])
        environment.cache_clear()
        assert environment(ROOT).get_template(TEMPLATE)


@pytest.mark.slow
def test_many_at_once(home: Path) -> None:
    """Who reads while somebody writes reads all of it or nothing."""
    script = "from imsgen.dsl.tokens import grammar; grammar()"
    started = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert len(kept(home)) == 1


def test_a_folder_that_others_can_write_to_is_none(home: Path) -> None:
    place = folder("lark-1")
    assert place is not None and Path(place).is_relative_to(home)
    os.chmod(place, 0o777)
    assert folder("lark-1") is None


@pytest.mark.slow
def test_no_folder_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_text("a file where the folder should be")
    assert folder("lark-1") is None
    assert works()
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "relative")
    assert folder("lark-1") is None
    assert works()


def test_a_folder_that_takes_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk, or where nothing may be written: root may everywhere."""

    def refuse(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    assert works()
    assert not kept(home)
