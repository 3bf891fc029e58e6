"""Real devices: each is a layout with its public source, is made, and stands in the cookbook."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.format import format_text
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = sorted((ROOT / "tests" / "devices").glob("*.ims"))
COOKBOOK = ROOT / "docs" / "devices.md"
PLANNER = Planner(embedded(DEFAULT))

#: A driver of the kernel, or the specification of a device.
SOURCE = re.compile(r"\b(?:drivers|arch|sound)/\S+|\bSpecification\b")


def test_there_are_fourteen() -> None:
    assert len(LAYOUTS) == 14


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
    assert f"include/linux/irqchip/irq-{device.name}.h" in files


def test_the_cookbook_shows_all_of_them() -> None:
    """IMSGEN_UPDATE=1 in the environment has the page show the files of today."""
    page = COOKBOOK.read_text("utf-8")
    texts = {path.stem: f"```ims\n{path.read_text('utf-8')}```" for path in LAYOUTS}
    block = re.compile(r"^```ims\n(?:.*\n)*?device (\w+) (?:.*\n)*?```$", re.M)
    assert sorted(block.findall(page)) == sorted(texts)
    wanted = block.sub(lambda found: texts[found[1]], page)
    if os.environ.get("IMSGEN_UPDATE"):
        COOKBOOK.write_text(wanted, "utf-8")
    else:
        assert page == wanted
