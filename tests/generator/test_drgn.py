"""``imsgen drgn``: scripts that compile, and name what the library and the device have."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import black
import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.commands.drgn import text_of
from imsgen.generator.kernel.target import Target
from imsgen.generator.series import Planner
from imsgen.templates import ROOT

from .conftest import EXAMPLES, REPOSITORY, every_device

DEVICES = [device for device in every_device() if not device.is_platform]

#: Members of the kernel's own structs, and what drgn and Python have.
KERNEL = {"irq_common_data", "effective_affinity", "counter", "dev", "kobj", "id"}
PYTHON = {"address_of_", "argv", "decode", "encode", "helpers", "linux", "member_", "string_"}
PYTHON |= {"value_", "cpumask", "list", "mapletree"}

LIBRARY = ["include/linux/irq_vecpool.h", "include/linux/irq_vecset.h", "kernel/irq/vecset.c"]


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_it_is_well_formed(device: Device) -> None:
    text = text_of(device)
    compile(text, "vectors.py", "exec")
    # An array of one or a pointer: `cpumask_to_cpulist()` wants the latter.
    assert ".effective_affinity[0].address_of_()" in text
    assert black.format_str(text, mode=black.Mode(line_length=100)) == text


def test_members_are_those_of_the_library() -> None:
    code = text_of(DEVICES[0]).partition('"""\n\nimport')[2]
    used = set(re.findall(r"\.([a-z]\w*)", code)) - KERNEL - PYTHON
    header = "".join((Path(ROOT) / "kernel" / path).read_text() for path in LIBRARY)
    structs = "".join(re.findall(r"(?ms)^struct \w+ \{\n(.*?)^\}", header))
    members = set(re.findall(r"\b(\w+)(?:\[\w*\])?(?: ____\w+)?;", structs)) | {"pdev"}
    assert {"vecs", "nr_shared", "source", "sets"} <= used <= members
    assert (
        "static LIST_HEAD(irq_vecpools);"
        in (Path(ROOT) / "kernel/kernel/irq/vecpool.c").read_text()
    )


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_names_are_those_of_the_device(device: Device, profile: Target) -> None:
    files = Planner(profile).series([device]).files
    (header,) = [text for path, text in files.items() if path.startswith("include/")]
    (body,) = re.findall(rf"(?ms)^struct {device.name}_irqs \{{\n(.*?)^\}}", header)
    found: dict[str, list[object]] = {}
    lists = re.findall(r"(?ms)^([A-Z]+) = (\[.*?\])$", text_of(device))
    for name, value in lists:
        found[name] = eval(value)
    for pool, title in found["POOLS"]:  # type: ignore[misc]
        assert re.search(rf"struct irq_vecpool\t+{pool};", body)
        assert any(f'"{title}"' in text for text in files.values())
    counts = {vector.name: vector.count for vector in device.vectors}
    for vector, _, _ in found["SPECIALS"]:  # type: ignore[misc]
        number = "" if counts[vector] is None else rf"\[{counts[vector]}\]"
        assert re.search(rf"unsigned int\t+{vector}{number};", body)
    for pool in found["MANAGED"]:
        assert f"struct {{ unsigned int nr; }} {pool};" in body
    for sub in found["SUBDEVICES"]:
        assert re.search(rf"struct irq_vecset_group\t+\*{sub};", body)
    (enum,) = re.findall(rf"enum {device.name}_store \{{(.*?)\}};", header, re.DOTALL) or [""]
    numbers = re.findall(r"\w+", enum)
    assert numbers == [f"{device.name}_{store}".upper() for store in found.pop("STORES")]
    assert sum(map(len, found.values())) == (
        len(device.vectors) + len(device.pools) + len(device.subdevices)
    )


def test_several_devices(imsgen: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    assert imsgen("drgn", REPOSITORY / "tests/layouts/odd.ims") == 1
    assert "has 4 devices; a script is for one" in capfd.readouterr().err
    assert imsgen("drgn", EXAMPLES / "idxd.ims") == 0
    assert capfd.readouterr().out == text_of(load(EXAMPLES / "idxd.ims").devices[0])
