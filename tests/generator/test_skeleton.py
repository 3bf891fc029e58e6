"""``imsgen skeleton``: a driver to start from, as it stands beside the examples.

That these drivers compile, get their interrupts and leave nothing behind is seen in a booted
kernel: kernel_test_module/skeletons.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.dsl.model import Device
from imsgen.generator.commands.skeleton import text_of
from imsgen.generator.kernel.target import Target
from imsgen.generator.model.emit import model_module
from imsgen.generator.model.emit import text_of as model_text
from imsgen.generator.render import check_columns, check_text
from imsgen.generator.series import Planner
from imsgen.generator.views.skeleton import skeleton_view

from .conftest import EXAMPLES, REPOSITORY, device_of, every_device

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

DEVICES = [device for device in every_device() if not device.is_platform]
WITH_DRIVER = [
    path.stem for path in sorted(EXAMPLES.glob("*.ims")) if not device_of(path).is_platform
]


@pytest.mark.parametrize("name", WITH_DRIVER)
def test_the_examples_skeletons_are_made_by_it(name: str, imsgen: Run, capfd: Capture) -> None:
    """If not: make generated."""
    assert imsgen("skeleton", EXAMPLES / f"{name}.ims", "-o", "-") == 0
    assert capfd.readouterr().out == (EXAMPLES / name / f"{name}-skeleton.c").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_every_layout_has_a_driver(device: Device, profile: Target) -> None:
    """Well-formed C that calls what the device's header has, and nothing else of the device."""
    text = text_of(device)
    assert not check_text(text)
    assert not check_columns("x.c", text)
    files = Planner(profile).series([device]).files
    (header,) = [text for path, text in files.items() if path.startswith("include/")]
    code = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", "", text, flags=re.S)
    assert not {name for name in _used(device, code) if not _has(header, code, name)}


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_registers_are_where_the_layout_has_nothing(device: Device) -> None:
    """Those of mbox were its select register and its window."""
    view = skeleton_view(device)
    model = model_module("m", model_text(device), "m.py").Model()
    places = [int(at, 16) for line in view.registers for at in re.findall(r"0x\w+", line.value)[:1]]
    names: list[str] = []
    model.trace = lambda line: names.append(re.split(r"[.\[]", line["name"])[0])
    for at in places:
        model.read(view.bar, at, 4)
    assert not set(names) & set(model.stores)


def _used(device: Device, code: str) -> set[str]:
    words = set(re.findall(r"\b\w+\b", code))
    starts = (f"{device.name}_", f"devm_{device.name}_", f"{device.name}_".upper())
    return {word for word in words if word.startswith(starts)}


def _has(header: str, code: str, name: str) -> bool:
    own = rf"(?m)^(static .*\b|struct |#define ){name}\b|\bunregister_{name}\b"
    return bool(re.search(rf"\b{name}\b", header) or re.search(own, code))


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_all_of_a_device_is_used(device: Device) -> None:
    """BARs, of windows too, are mapped, vectors requested, queues opened, and indexes told."""
    text = text_of(device)
    (mapped,) = re.findall(r"pcim_iomap_regions\(pdev, (.*?),", text)
    assert set(re.findall(r"pcim_iomap_table\(pdev\)\[(\d)\]", text)) <= set(
        re.findall(r"BIT\((\d)\)", mapped)
    )
    f = device.name
    members = {m.pool for sub in device.subdevices for m in sub.members}
    for vector in device.vectors:
        number = "" if vector.count is None else ", i"
        assert f"{f}_irq_{vector.name}(&priv->irqs{number})" in text
    # Initialisers stand before the number of CPUs is known.
    assert "= queues," not in text
    for shared in device.shared:
        assert f"{f}_irq_{shared.name}(&priv->irqs)" in text
    for pool in device.pools:
        if pool.sharing:
            assert f"{f}_{pool.name}_dispatch(vec, " in text
        if not pool.managed:
            assert f"= {f}_{pool.name}_index(vec, &store)" in text
            assert text.count(f"{f}_{pool.name}_tell(") > 1
        if pool.name not in members and pool.sharing:
            assert f"{f}_{pool.name}_get(&priv->irqs" in text
    for sub in device.subdevices:
        assert f"devm_{f}_{sub.name}_irqs_init(" in text


def test_it_says_what_it_wrote(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("skeleton", EXAMPLES / "timer.ims") == 0
    wanted = "timer-skeleton.c: written; it uses <linux/irqchip/irq-timer.h>\n"
    assert capfd.readouterr().out == wanted
    assert (
        Path("timer-skeleton.c").read_text()
        == (EXAMPLES / "timer" / "timer-skeleton.c").read_text()
    )


def test_what_is_there_stays(imsgen: Run, capfd: Capture) -> None:
    Path("mine.c").write_text("int mine;\n")
    assert imsgen("skeleton", EXAMPLES / "timer.ims", "-o", "mine.c") == 1
    assert capfd.readouterr().err == (
        "imsgen: error: mine.c is there already, and stays as it is\n"
    )
    assert Path("mine.c").read_text() == "int mine;\n"
    assert imsgen("skeleton", EXAMPLES / "timer.ims", "-o", "no/such/folder.c") == 1
    assert capfd.readouterr().err.startswith("imsgen: error: no/such/folder.c: No such file")


def test_one_device_one_driver(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("skeleton", REPOSITORY / "tests/layouts/odd.ims") == 1
    assert "has 4 devices; a driver is for one" in capfd.readouterr().err


def test_names_of_the_header_are_not_made_twice(imsgen: Run, capfd: Capture) -> None:
    Path("x.ims").write_text(
        'device foo "Foo" { pci 1b36:0042; store table: msix;\n'
        "pool b_open = table[0..9] { dedicated; } pool a_b = table[10..] { dedicated; }\n"
        "subdevice a max 4 { vectors b_open 1..2; } }\n"
    )
    assert imsgen("skeleton", "x.ims", "-o", "-") == 1
    out, err = capfd.readouterr()
    assert not out and "would define foo_a_b_open, which the device's header has" in err
