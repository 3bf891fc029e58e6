"""The pages are true: their commands are run, their pictures and names are those of today."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from imsgen.dsl import load
from imsgen.generator.commands.show import svg_of
from imsgen.generator.kernel.target import Target
from imsgen.kernel_test_module import tutorial

from . import pictures
from .conftest import REPOSITORY, git, held, plant

PICTURES = sorted((REPOSITORY / "docs" / "pictures").glob("*.svg"))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_commands(page: str, tmp_path: Path, profile: Target) -> None:
    """Each command prints what the page says; `linux` is a tree of the lines we change."""
    tree = plant(tmp_path / "linux", profile)
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "start")
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    text = (REPOSITORY / page).read_text(encoding="utf-8").partition(tutorial.NEEDS_KERNEL)[0]
    assert tutorial.commands(text)
    assert not list(tutorial.faults(text, tmp_path))


def test_what_needs_a_kernel_ends_the_tutorial() -> None:
    """`make tutorial` runs it."""
    text = (REPOSITORY / tutorial.PAGE).read_text(encoding="utf-8")
    before, _, after = text.partition(tutorial.NEEDS_KERNEL)
    assert "kunit.py" not in before and "\n## " not in after
    assert [command for command, _ in tutorial.commands(after) if "kunit.py run" in command]


def test_a_command_that_prints_something_else(tmp_path: Path) -> None:
    """It is named with what it prints, and nothing behind it is run."""
    text = "```console\n$ echo one\none\n$ echo two; echo three >&2\n2\n$ touch four\n```\n"
    found = ["$ echo two; echo three >&2", "two", "three"]
    assert list(tutorial.faults(text, tmp_path)) == found
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures(path: Path) -> None:
    """They are what `make pictures` draws."""
    devices = load(REPOSITORY / "examples" / f"{path.stem}.ims").devices
    assert path.read_bytes() == svg_of(devices)


def test_there_are_six_pictures() -> None:
    assert len(PICTURES) == 6


def test_the_run() -> None:
    """The picture is what docs/run.md shows."""
    assert pictures.RUN.read_bytes() == pictures.checked()


def test_the_typo() -> None:
    """The README shows what the tool says, and `make pictures` has drawn it."""
    assert pictures.TYPO.read_bytes() == pictures.typo()
    assert b"://" not in re.sub(rb'xmlns="[^"]*"|<!--.*?-->', b"", pictures.typo())


@pytest.mark.parametrize("path", pictures.SCREENSHOTS.values(), ids=lambda path: path.stem)
def test_screenshots(path: Path) -> None:
    """They show the page of today: `make pictures` takes them."""
    picture = Image.open(path)
    assert picture.size == (pictures.WIDTH, pictures.HEIGHT)
    assert picture.info["shows"] == pictures.shown(pictures.page())


def test_the_driver_of_the_readme() -> None:
    """It calls functions that there are, and names members that there are."""
    (code,) = tutorial.blocks((REPOSITORY / "README.md").read_text(encoding="utf-8"), "c")
    header = "generated/idxd/linux-6.12/src/include/linux/irqchip/irq-idxd.h"
    text = (REPOSITORY / header).read_text()
    names = set(re.findall(r"\b\w*idxd_\w+", code)) | set(re.findall(r"\.(\w+) =", code))
    assert len(names) > 6
    assert all(re.search(rf"\b{name}\b", text) for name in names), names


def test_the_whole_driver() -> None:
    """It passes a struct as the header has it, and is the skeleton that is built and booted."""
    header = "generated/idxd/linux-6.12/src/include/linux/irqchip/irq-idxd.h"
    struct = re.search(
        r"^/\*\*\n \* struct idxd_irqs_params.*?^\};\n",
        (REPOSITORY / header).read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert struct
    driver = (REPOSITORY / "examples/idxd/idxd-skeleton.c").read_text()
    wanted = iter([struct[0], driver])
    held("docs/driver.md", "c", lambda _: next(wanted))
    assert not list(wanted)


# --- the site ---------------------------------------------------------------------------------


class Page(HTMLParser):
    """The ids of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.ids |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag in ("img", "script", "link"):
            self.loads += [values[key] for key in ("src", "href") if key in values]


@pytest.mark.slow
def test_the_site(tmp_path: Path) -> None:
    """It is built without a warning; what it links to and loads is there, without a network."""
    folder = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, timeout=120)
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    assert {path.stem for path in (REPOSITORY / "docs").glob("*.md")} <= {p.stem for p in pages}
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links are for the place where the site will be
        for link in page.links + page.loads:
            target = urlsplit(link)
            if target.scheme == "https" and link in page.links:
                continue
            assert not target.scheme and not target.netloc, (path.name, link)
            file = (path.parent / target.path).resolve() if target.path else path
            assert file.is_file(), (path.name, link)
            if file in pages:
                assert target.fragment in pages[file].ids, (path.name, link)
