"""Layouts that are built into one kernel: all that there are, each with a suite of its own."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from imsgen.generator.names import names_of
from imsgen.kernel_test_module import layouts
from imsgen.kernel_test_module.stages import Place

PLACE = Place(Path(__file__).resolve().parents[2])


def test_refused_layouts_of_documents_are_left_out() -> None:
    page = "a\n```ims\ndevice a {}\n```\n```ims refused IMS033\nno\n```\n```console\n$\n```\n"
    assert layouts.blocks(page) == ["device a {}\n"]


@pytest.mark.slow
def test_each_device_has_a_suite_of_its_own() -> None:
    devices = layouts.devices(PLACE)
    suites = {names_of(one).suite for one in devices}
    assert len(suites) == len(devices)
    assert all(fnmatch(suite, layouts.GLOB) for suite in suites)
    folders = {one.path for one in devices if one.path}
    assert folders and all(path.startswith("drivers/irqchip/") for path in folders)


@pytest.mark.slow
def test_all_of_them_are_there() -> None:
    """What a page shows of `tests/devices` is there once."""
    names = [one.name.rpartition("_s")[0] for one in layouts.devices(PLACE)]
    assert names.count("foo") == len(layouts.SEEDS) + len(layouts.WORDS)
    real = [path.stem for path in (PLACE.root / "tests" / "devices").glob("*.ims")]
    assert len(real) >= 18
    assert all(names.count(name) == 1 for name in real)
    assert {"oddbe", "idxd", "nic", "nicf", "ssd"} <= set(names)
