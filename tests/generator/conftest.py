"""What the generator's tests share: devices, targets, and kernel trees made from the profile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import DEFAULT, Target, embedded
from imsgen.generator.series import Planner

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"

#: A device with as little as there can be; ``{}`` is its name.
SMALL = """device {} "Small thing" {{
    pci 1b36:0042;
    store ims: iomem {{
        bar 0; offset 0; slots 4;
        slot 16 {{ address_lo @0; address_hi @4; data @8; control @12 {{ mask bit 0; }} }}
    }}
    vector done = ims[0] "done";
}}
"""


def held(page: str, kind: str, wanted: Callable[[str], str]) -> None:
    """Each block of code of a kind on a page is what ``wanted`` makes of it.

    IMSGEN_UPDATE=1 in the environment writes the page anew.
    """
    path = REPOSITORY / page
    text = path.read_text(encoding="utf-8")
    block = re.compile(rf"(?<=^```{kind}\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
    made = block.sub(lambda found: wanted(found[0]), text)
    if os.environ.get("IMSGEN_UPDATE") == "1":
        path.write_text(made, encoding="utf-8")
    else:
        assert text == made


def git(tree: Path, *args: str, text: str | None = None) -> str:
    """Run git in ``tree`` and return what it prints; it must succeed."""
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@localhost.invalid",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@localhost.invalid",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    run = subprocess.run(
        ["git", "-C", str(tree), *args],
        input=text.encode() if text is not None else None,
        capture_output=True,
        env=environment,
        check=False,
    )
    assert run.returncode == 0, (run.stdout + run.stderr).decode("utf-8", "replace")
    return run.stdout.decode()


def device_of(path: Path) -> Device:
    """The one device of a file without errors."""
    result = load(path)
    assert result.ok, result.diagnostics
    (device,) = result.devices
    return device


@cache
def every_device() -> tuple[Device, ...]:
    """The devices of all examples and of the tests' layouts."""
    paths = [*EXAMPLES.glob("*.ims"), *REPOSITORY.glob("tests/layouts/*.ims")]
    return tuple(device for path in sorted(paths) for device in load(path).devices)


def small(folder: Path, name: str, text: str = SMALL) -> Path:
    """A file with a small device of that name."""
    path = folder / f"{name}.ims"
    path.write_text(text.format(name))
    return path


@pytest.fixture(scope="session")
def profile() -> Target:
    """The embedded reference kernel."""
    return embedded(DEFAULT)


@pytest.fixture(scope="session")
def planner(profile: Target) -> Planner:
    """What makes series for it: all that they share is made once."""
    return Planner(profile)


@pytest.fixture
def idxd() -> Device:
    return device_of(EXAMPLES / "idxd.ims")


@pytest.fixture
def timer() -> Device:
    return device_of(EXAMPLES / "timer.ims")


def plant(root: Path, profile: Target, version: tuple[int, int] = (6, 12)) -> Path:
    """A tree of whole files: the profile's lines where they are, other text between them."""
    files = profile.provider
    for path in files._files:  # type: ignore[attr-defined]
        lines = files.lines(path)
        assert lines is not None
        filler = "" if path == "MAINTAINERS" else "filler {}"
        known = [filler.format(i) if line is None else line for i, line in enumerate(lines)]
        if path == "include/linux/msi.h":
            known[0] = "bool msi_create_device_irq_domain(struct device *dev);"
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{line}\n" for line in known))
    (root / "Kbuild").write_text("# Kbuild\n")
    (root / "include/linux/pci.h").write_text("/* PCI */\n")
    (root / "Makefile").write_text(f"VERSION = {version[0]}\nPATCHLEVEL = {version[1]}\n")
    return root


@pytest.fixture
def tree(tmp_path: Path, profile: Target) -> Path:
    """A small kernel tree on disk, without git."""
    return plant(tmp_path / "linux", profile)


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory, profile: Target) -> Path:
    """The same with one commit in it, for tests that leave it as it is."""
    tree = plant(tmp_path_factory.mktemp("committed") / "linux", profile)
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "start")
    return tree


@pytest.fixture
def git_tree(tmp_path: Path, committed: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(committed, tmp_path / "linux")


@pytest.fixture
def imsgen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run the command line in this process, in an empty folder; returns the exit code."""
    from imsgen.generator.cli import main

    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*args: object) -> int:
        try:
            return main([str(arg) for arg in args])
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            return stop.code

    return run


def normal(patch: str) -> str:
    """A patch without what git adds (blob ids, function names) and what we add (the tool)."""
    patch = re.sub(r"^index \w+\.\.\w+( \d+)?\n", "", patch, flags=re.MULTILINE)
    patch = re.sub(r"^(@@ [^@]+ @@).*$", r"\1", patch, flags=re.MULTILINE)
    return re.sub(r"^---\nimsgen [\w.]+\n\n", "---\n", patch, flags=re.MULTILINE)
