"""Platform devices: what their series touch, what is in them, and which commands take them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import Target
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner, Series

from .conftest import EXAMPLES, REPOSITORY

Run = Callable[..., int]

LAYOUTS = REPOSITORY / "tests" / "layouts" / "platform.ims"
EXAMPLE = EXAMPLES / "riscv_iommu.ims"
DEVICES = {device.name: device for path in (EXAMPLE, LAYOUTS) for device in load(path).devices}

#: What a series without pools may touch: helpers of KUnit suites, and the device's own.
OWN = re.compile(
    r"drivers/irqchip/(?:Kconfig|Makefile|irq-[\w-]+\.[ch]|tests/\w+\.(?:c|kunitconfig))"
    r"|include/(?:kunit|linux/irqchip)/[\w-]+\.h|MAINTAINERS"
)


def made(profile: Target, name: str) -> Series:
    return Planner(profile).series([DEVICES[name]])


def touched(series: Series) -> set[str]:
    return {diff.path for commit in series.commits for diff in commit.diffs}


@pytest.mark.parametrize("name", ["riscv_iommu", "engine"])
def test_no_core_patch(name: str, profile: Target) -> None:
    series = made(profile, name)
    assert {path for path in touched(series) if not OWN.fullmatch(path)} == set()
    assert all("KUnit" in commit.subject for commit in series.commits[: series.core])


@pytest.mark.parametrize("name", ["chip", "bank"])
def test_with_pools_the_library_of_pools(name: str, profile: Target) -> None:
    more = {path for path in touched(made(profile, name)) if not OWN.fullmatch(path)}
    assert "kernel/irq/vecpool-msi.c" in more
    assert not any(path.startswith(("arch/", "drivers/")) for path in more)


def test_the_header_is_beside_the_driver(profile: Target) -> None:
    """Where the layout says where that is; nothing else includes it."""
    device = replace(DEVICES["engine"], path="drivers/irqchip")
    files = Planner(profile).series([device]).files
    header = names_of(device).header
    assert header == "drivers/irqchip/irq-engine.h"
    assert '#include "irq-engine.h"' in files[names_of(device).glue]
    assert '#include "../irq-engine.h"' in files[names_of(device).kunit]
    assert not any("linux/irqchip/irq-engine.h" in text for text in files.values())


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: device.name)
def test_nothing_is_of_pci(device: Device, profile: Target) -> None:
    series = Planner(profile).series([device])
    glue = series.files[names_of(device).glue]
    assert not re.search(r"\bpci_|PCI", glue + series.files[names_of(device).header])
    assert "platform_device_msi_init_and_alloc_irqs(dev, nr, " in glue
    symbols = [d for commit in series.commits[series.core :] for d in commit.diffs]
    kconfig = "".join(str(diff) for diff in symbols if diff.path.endswith("Kconfig"))
    assert "depends on GENERIC_MSI_IRQ" in kconfig
    where = [a.upper() for a in device.architectures] or ["ARM", "ARM64", "RISCV"]
    assert f"depends on {' || '.join([*where, 'COMPILE_TEST'])}" in kconfig


def test_as_many_as_are_used(profile: Target) -> None:
    """All of them are allocated at once, so none without a use."""
    calls = {
        name: re.search(rf"{name}_\w+_init\(irqs, (.*)\);", made(profile, name).files[path])
        for name, device in DEVICES.items()
        for path in [names_of(device).glue]
    }
    assert {name: call and call[1] for name, call in calls.items()} == {
        "riscv_iommu": "regs + 0x300, 4",
        "chip": "params->regs, 13",
        "engine": "regs + 0x14, 1",
        "bank": "params->regs + params->regs_offset, params->regs_slots",
        "porter": "params->host_pass, 20",
    }


@pytest.mark.parametrize(
    ("command", "what"),
    [("skeleton", "a skeleton"), ("model", "a model"), ("drgn", "a script for drgn")],
)
def test_what_is_of_pci_functions_only(
    command: str, what: str, imsgen: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert imsgen(command, EXAMPLE, *(() if command == "drgn" else ("-o", tmp_path / "new"))) == 1
    said = capsys.readouterr()
    assert f"riscv_iommu is a platform device, and {what} is of PCI functions only" in said.err
    assert said.out == ""
    assert not (tmp_path / "new").exists()
