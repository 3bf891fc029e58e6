"""``imsgen new``: what it writes is right, formatted, commented, and never over something."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.format import format_text
from imsgen.dsl.kinds import BY_MODEL, KINDS
from imsgen.generator.commands.new import kinds

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def test_there_is_one_for_each_kind_of_store() -> None:
    assert {kind.word for kind in KINDS} <= set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_each_kind(kind: str, imsgen: Run, capfd: Capture) -> None:
    assert imsgen("new", "nic2", "--like", kind) == 0
    assert capfd.readouterr().out == "nic2.ims: written; next: imsgen check nic2.ims\n"
    text = Path("nic2.ims").read_text(encoding="utf-8")
    result = load("nic2.ims")
    assert [device.name for device in result.devices] == ["nic2"]
    assert not result.diagnostics
    assert format_text("nic2.ims", text.encode()).text == text
    assert text.count("#") >= 4 and "mydevice" not in text
    stores = {BY_MODEL[type(store)].word for store in result.devices[0].stores}
    assert kind in stores or (kind == "managed" and result.devices[0].pools[0].managed)
    assert imsgen("check", "nic2.ims") == imsgen("fmt", "--check", "nic2.ims") == 0


def test_iomem_is_the_default(imsgen: Run) -> None:
    assert imsgen("new", "nic_a") == imsgen("new", "nic_b", "--like", "iomem") == 0
    text = Path("nic_a.ims").read_text()
    assert text.replace("nic_a", "nic_b") == Path("nic_b.ims").read_text()


def test_what_is_there_stays(imsgen: Run, capfd: Capture) -> None:
    Path("nic.ims").write_text("mine")
    assert imsgen("new", "nic") == 1
    assert capfd.readouterr().err == "imsgen: error: nic.ims is there already, and stays as it is\n"
    assert Path("nic.ims").read_text() == "mine"
    Path("link.ims").symlink_to("nowhere")
    assert imsgen("new", "link") == 1
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    "name", ["Nic", "2nic", "a" * 25, "int", "irq", "", "../nic", "nic.ims", "a b", 'n "x" {', "n#"]
)
def test_what_is_no_name(name: str, imsgen: Run, capfd: Capture) -> None:
    assert imsgen("new", name) == 1
    err = capfd.readouterr().err
    assert err.startswith("imsgen: error: no name for a device: ") and err.count("\n") == 1
    assert not os.listdir()


def test_usage(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("new", "nic", "--like", "floppy") == 2
    assert "choose from" in capfd.readouterr().err
    assert imsgen("new") == 2
    assert not os.listdir()
