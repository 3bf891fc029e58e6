"""The pages are true: commands are run from their own text, pictures and names are those of today."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.commands.show import svg_of

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = sorted((REPOSITORY / "docs" / "pictures").glob("*.svg"))


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of code of a kind, in their order."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Commands with what they print."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_commands(page: str, tmp_path: Path) -> None:
    """Each command of a page prints what the page says."""
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env |= {"HOME": str(tmp_path), "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    found = [pair for block in blocks(page, "console") for pair in commands(block)]
    assert found
    for command, wanted in found:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.stdout == wanted, command


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures(path: Path) -> None:
    """They are what `make pictures` draws."""
    devices = load(REPOSITORY / "examples" / f"{path.stem}.ims").devices
    assert path.read_bytes() == svg_of(devices)


def test_there_are_six_pictures() -> None:
    assert len(PICTURES) == 6


def test_the_driver_of_the_readme() -> None:
    """It calls functions that there are, and names members that there are."""
    (code,) = blocks("README.md", "c")
    header = "generated/idxd/linux-6.12/src/include/linux/irqchip/irq-idxd.h"
    text = (REPOSITORY / header).read_text()
    names = set(re.findall(r"\b\w*idxd_\w+", code)) | set(re.findall(r"\.(\w+) =", code))
    assert len(names) > 6
    assert all(re.search(rf"\b{name}\b", text) for name in names), names
