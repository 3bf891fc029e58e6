"""Real devices: each is a layout with its public source, is made, and stands in the cookbook."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.format import format_text
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner

from .conftest import REPOSITORY, held

LAYOUTS = sorted((REPOSITORY / "tests" / "devices").glob("*.ims"))
PLANNER = Planner(embedded(DEFAULT))

#: A driver of the kernel, or the specification of a device.
SOURCE = re.compile(r"\b(?:drivers|arch|sound)/\S+|\bSpecification\b")


def test_there_are_twenty() -> None:
    assert len(LAYOUTS) == 20


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_a_device(path: Path) -> None:
    text = path.read_text("utf-8")
    result = load(path)
    assert [found.code for found in result.diagnostics] == []
    assert format_text(path.name, text.encode()).text == text
    assert SOURCE.search(text.partition("\ndevice ")[0])
    (device,) = result.devices
    assert device.name == path.stem
    # The profile has not the folders of all drivers.
    files = PLANNER.series([replace(device, path=None)]).files
    assert f"include/linux/irqchip/irq-{device.name}.h".replace("_", "-") in files


def test_the_cookbook_shows_all_of_them() -> None:
    texts = {path.stem: path.read_text("utf-8") for path in LAYOUTS}
    held("docs/devices.md", "ims", lambda block: texts.pop(named(block)))
    assert not texts


def named(block: str) -> str:
    """The name of a layout's device."""
    found = re.search(r"^device (\w+) ", block, re.MULTILINE)
    assert found
    return found[1]
