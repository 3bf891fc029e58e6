"""``imsgen model``, and the run-time of models: what a device does, fed by hand."""

from __future__ import annotations

import json
import os
import random
import re
import runpy
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.model import emit, prompt
from imsgen.generator.model import runtime as ims
from imsgen.kernel_test_module.tutorial import blocks, commands

from .conftest import EXAMPLES, REPOSITORY, every_device

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

LAYOUTS = sorted([*EXAMPLES.glob("*.ims"), *REPOSITORY.glob("tests/layouts/*.ims")])
DEVICES = [device for device in every_device() if not device.is_platform]

SLOT = """slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } }"""
BIG = """slot 32 big endian {
    data @20 width 16; address @8; control @16 { mask bit 31 active low; } }"""
BARE = "slot 16 { address_lo @0; address_hi @4; data @8; }"


def model(stores: str, rest: str = "pool q = ims { dedicated; }") -> ims.Device:
    """A model of a device with these stores, which may send."""
    text = f'device gadget "A device" {{ pci 1af4:10f0; {stores} {rest} }}'
    result = load("dev.ims", text.encode())
    assert result.ok, [found.message for found in result.diagnostics]
    (device,) = result.devices
    made = emit.model_module("dev", emit.text_of(device), "dev_model.py").Model()
    return on(made)


def on(device: ims.Device) -> ims.Device:
    """Let it send, and keep what it sends."""
    device.config_write(ims.COMMAND, b"\x06\x00")
    device.messages = []  # type: ignore[attr-defined]
    device.deliver = lambda address, data: device.messages.append((address, data))  # type: ignore[attr-defined]
    return device


def put(
    device: ims.Device, bar: int, at: int, value: int, size: int = 4, big: bool = False
) -> None:
    """Write a register and read it back, as good drivers do."""
    device.write(bar, at, value.to_bytes(size, "big" if big else "little"))
    device.read(bar, at, size)


def rules(device: ims.Device) -> list[tuple[str, str]]:
    """Rule and place of what was found."""
    device.settle()
    return [(found.rule, found.name) for found in device.findings]


def write_slot(device: ims.Device, at: int, data: int, bar: int = 0) -> None:
    """Mask a slot, write a message to it, and open it: an address, no high half, ``data``."""
    for offset, value in ((12, 1), (0, 0xFEE00000), (4, 0), (8, data), (12, 0)):
        put(device, bar, at + offset, value)


# --- the file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_every_layout_has_a_model(device: Device) -> None:
    """Its stores are those of the layout, and nothing is open when power comes."""
    text = emit.text_of(device)
    assert not re.search(r"[ \t]$|.{101}", text, re.MULTILINE)
    made = emit.model_module("m", text, "m.py").Model()
    assert list(made.stores) == [store.name for store in device.stores]
    assert not made.open_messages()
    for span in made.spans:
        assert span.start + span.length <= made.sizes[span.bar]


@pytest.mark.parametrize("word", ["msi", "msix"])
def test_a_store_that_nothing_uses_has_a_message(word: str, tmp_path: Path) -> None:
    """It is a warning only, and the device has the capability."""
    path = tmp_path / "d.ims"
    text = (EXAMPLES / "timer.ims").read_text(encoding="utf-8")
    path.write_text(text.replace("    store ", f"    store unused: {word};\n    store ", 1))
    (device,) = load(path).devices
    made = emit.model_module("m", emit.text_of(device), "m.py").Model()
    assert made.stores["unused"].slots == 1


def test_the_command_writes_a_model_that_runs(imsgen: Run, tmp_path: Path) -> None:
    """With nothing but Python's library: no imsgen is found where it runs."""
    assert imsgen("model", EXAMPLES / "crypto2.ims", "-o", tmp_path / "new") == 0
    names = [f"ims_{name}.py" for name in sorted(emit.RUNTIME)]
    names.insert(0, "crypto2_model.py")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    code = "import crypto2_model as m; print(m.Model().stores['ims'].slots)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path / "new", capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("32\n", "")


def test_the_users_file_stays(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """What was extended is not overwritten; the run-time is made again."""
    own, runtime = tmp_path / "crypto2_model.py", tmp_path / "ims_runtime.py"
    own.write_text("mine\n")
    runtime.write_text("old\n")
    assert imsgen("model", EXAMPLES / "crypto2.ims", "-o", tmp_path) == 0
    assert own.read_text() == "mine\n"
    assert "stays as it is" in capfd.readouterr().out
    assert "class Device" in runtime.read_text()


def test_a_layout_with_errors_gives_diagnostics(
    imsgen: Run, tmp_path: Path, capfd: Capture
) -> None:
    """And no file."""
    bad = tmp_path / "bad.ims"
    bad.write_text("device x {}\n")
    assert imsgen("model", bad, "-o", tmp_path / "out") == 1
    assert "IMS0" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ['a"""+b', "a\\", "a\nimport os\nb", "a'b", "a*@b", "\udcff"])
@pytest.mark.parametrize("command", ["model", "skeleton", "drgn", "run", "update"])
def test_names_that_would_end_a_comment(
    imsgen: Run, tmp_path: Path, capfd: Capture, command: str, name: str
) -> None:
    """What is made has the layout's name in it, so that it must not be a part of a program."""
    layout = tmp_path / f"{name}.ims"
    layout.write_bytes((EXAMPLES / "timer.ims").read_bytes())
    more = ["--tree", tmp_path] if command in ("run", "update") else []
    assert imsgen(command, layout, *more) == 1
    out, err = capfd.readouterr()
    assert "the name stands in what is made" in err and not out
    assert not list((tmp_path / "cwd").iterdir())


@pytest.mark.parametrize("there", ["file", "fifo", "link", "folder"])
def test_what_is_in_the_way_of_a_model(
    imsgen: Run, tmp_path: Path, capfd: Capture, there: str
) -> None:
    """The user's own is never opened; the run-time takes the place of files and links."""
    other = tmp_path / "other"
    other.write_text("other\n")
    for name in ("crypto2_model.py", "ims_runtime.py"):
        path = tmp_path / "out" / name
        path.parent.mkdir(exist_ok=True)
        if there == "file":
            path.write_text("mine\n")
        elif there == "fifo":
            os.mkfifo(path)
        elif there == "link":
            path.symlink_to(other)
        else:
            path.mkdir()
    code = imsgen("model", EXAMPLES / "crypto2.ims", "-o", tmp_path / "out")
    out, err = capfd.readouterr()
    why = {"folder": "Is a directory", "fifo": "not a regular file"}.get(there)
    assert (f"ims_runtime.py: {why}" in err) if why else ("stays as it is" in out)
    assert code == (1 if why else 0)
    assert other.read_text() == "other\n"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names <= {"crypto2_model.py", *(f"ims_{name}.py" for name in emit.RUNTIME)}


def test_standard_output_is_no_folder_for_a_model(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("model", EXAMPLES / "timer.ims", "-o", "-") == 1
    assert "several files" in capfd.readouterr().err
    assert not Path("-").exists()


def test_a_file_is_no_folder_for_a_model(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """Said with its name, and it stays."""
    file = tmp_path / "file"
    file.write_text("mine\n")
    assert imsgen("model", EXAMPLES / "crypto2.ims", "-o", file) == 1
    assert f"{file}: File exists" in capfd.readouterr().err
    assert file.read_text() == "mine\n"


@pytest.mark.slow
def test_the_page_says_what_models_do(imsgen: Run, tmp_path: Path) -> None:
    """Commands of docs/run.md print what it says; those for kernels are run by `make models`."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    (tmp_path / "model").mkdir()
    page = (REPOSITORY / "docs" / "run.md").read_text(encoding="utf-8")
    (program,) = blocks(page, "python")
    (tmp_path / "model" / "try.py").write_text(program)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assert commands(page)
    for command, wanted in commands(page):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.stdout == wanted, command


# --- stores -----------------------------------------------------------------------------------


def test_a_slot_in_a_bar() -> None:
    """What stands in slot N is sent, once it is open."""
    device = model(f"store ims: iomem {{ bar 2; offset 0x1000; slots 8; {SLOT} }}")
    assert device.send("ims", 3) == "empty"
    write_slot(device, 0x1030, 33, bar=2)
    assert device.send("ims", 3) == "sent"
    assert device.messages == [(0xFEE00000, 33)]  # type: ignore[attr-defined]
    put(device, 2, 0x103C, 1)
    assert device.send("ims", 3) == "masked"
    assert rules(device) == []


def test_big_endian_and_active_low() -> None:
    """Bytes are in the order of the layout, and a cleared bit masks."""
    device = model(f"store ims: iomem {{ bar 0; offset 0; slots 4; {BIG} }}")
    assert device.stores["ims"].masked(1)
    put(device, 0, 32 + 8, 0x1, big=True)
    put(device, 0, 32 + 12, 0xFEE00000, big=True)
    put(device, 0, 32 + 20, 0x1234, size=2, big=True)
    put(device, 0, 32 + 16, 1 << 31, big=True)
    assert device.send("ims", 1) == "sent"
    assert device.messages == [(0x1FEE00000, 0x1234)]  # type: ignore[attr-defined]
    assert rules(device) == []


def test_fields_and_registers() -> None:
    """What the layout says of the word beside the mask is judged, and set by the device."""
    device = model("""store ims: iomem { bar 0; offset 0; slots 4; slot 32 {
            address @0; data @8; register period @12; register count @24 width 16;
            control @16 width 64 {
                mask bit 63; type bits 34:32 = 5; on bit 1 set;
                waits bit 40 pending; prio bits 5:4 driver;
            } } }""")
    open_, mask = 5 << 32 | 1 << 1, 1 << 63

    def control(value: int) -> None:
        device.write(0, 32 + 16, value.to_bytes(8, "little"))
        device.read(0, 32 + 16, 8)

    control(open_ | mask)
    put(device, 0, 32, 0xFEE00000)
    put(device, 0, 36, 0)
    put(device, 0, 40, 33)
    put(device, 0, 44, 1000)
    put(device, 0, 56, 7, size=2)
    assert device.send("ims", 1) == "pending"
    assert int.from_bytes(device.read(0, 32 + 16, 8), "little") == open_ | mask | 1 << 40
    control(open_ | 3 << 4)
    assert device.messages == [(0xFEE00000, 33)]  # type: ignore[attr-defined]
    assert int.from_bytes(device.read(0, 32 + 16, 8), "little") == open_ | 3 << 4
    assert rules(device) == []
    control(open_ & ~2)
    assert rules(device) == [("fixed", "ims[1]")]


def test_split_tables() -> None:
    """Indexes go on from one table to the next."""
    tables = "table offset 0x100 slots 2; table offset 0x800 slots 2;"
    device = model(f"store ims: iomem {{ bar 0; {tables} {SLOT} }}")
    write_slot(device, 0x810, 7)
    assert [device.send("ims", index) for index in range(4)] == ["empty"] * 3 + ["sent"]


@pytest.mark.parametrize("low", [False, True])
def test_mask_bits_beside_the_slots(low: bool) -> None:
    """A bit of the array masks a message, and opens it when the other value is written."""
    how = " active low" if low else ""
    device = model(
        f"store ims: iomem {{ bar 0; offset 0; slots 40; mask_bits @0x1000{how}; {BARE} }}"
    )
    all_masked = 0 if low else 0xFFFFFFFF
    for at in (0x1000, 0x1004):
        device.write(0, at, all_masked.to_bytes(4, "little"))
    # Pushes both through.
    device.read(0, 0x1000, 4)
    for offset, value in ((0, 0xFEE00000), (4, 0), (8, 5)):
        put(device, 0, 33 * 16 + offset, value)
    assert device.send("ims", 33) == "masked"
    put(device, 0, 0x1004, all_masked ^ 2)
    assert device.send("ims", 33) == "sent"
    assert int.from_bytes(device.read(0, 0x1004, 4), "little") & 0xFF == all_masked & 0xFF ^ 2
    assert rules(device) == []


def test_pending_bits_wait() -> None:
    """A masked message is noted, and sent as soon as it may be."""
    device = model(f"store ims: iomem {{ bar 0; offset 0; slots 40; pending bar 1 @0x10; {SLOT} }}")
    write_slot(device, 33 * 16, 5)
    put(device, 0, 33 * 16 + 12, 1)
    assert device.send("ims", 33) == "pending"
    assert device.send("ims", 33) == "pending"
    assert device.read(1, 0x14, 4) == b"\x02\0\0\0"
    put(device, 0, 33 * 16 + 12, 0)
    assert len(device.messages) == 1  # type: ignore[attr-defined]
    assert device.read(1, 0x14, 4) == bytes(4)


def test_slots_that_show_one_at_a_time() -> None:
    """The window shows the slot that is selected."""
    device = model(f"store ims: indirect {{ bar 0; select @0x10; window @0x20; slots 8; {SLOT} }}")
    put(device, 0, 0x10, 5)
    write_slot(device, 0x20, 50)
    put(device, 0, 0x10, 6)
    assert device.read(0, 0x28, 4) == bytes(4)
    assert device.send("ims", 5) == "sent"
    assert device.send("ims", 6) == "empty"
    assert rules(device) == []
    device.write(0, 0x10, (8).to_bytes(4, "little"))
    assert rules(device) == [("outside", "ims.select")]


def test_slots_in_memory() -> None:
    """The device fetches what stands where the driver has said."""
    slot = "slot 16 { address_lo @0; data @4; address_hi @8; control @12 { mask bit 0; } }"
    device = model(f"store ims: memory {{ slots 4; {slot} }}")
    assert device.send("ims", 1) == "off"
    memory = {0x5010: struct.pack("<4I", 0xFEE00000, 9, 0, 0)}

    def fetch(address: int, size: int) -> bytes:
        data = memory.get(address & ~15, bytes(16))
        return data[address & 15 :][:size]

    device.memory = fetch
    device.stores["ims"].base = 0x5000  # type: ignore[attr-defined]
    lines: list[str] = []
    device.trace = lambda line: lines.append(json.dumps(line))
    assert device.open_messages() == [("ims", 1)]
    assert device.send("ims", 1) == "sent"
    fresh = on(type(device)())
    fresh.stores["ims"].base = 0x5000  # type: ignore[attr-defined]
    assert ims.replay(fresh, lines) == []
    assert device.messages == [(0xFEE00000, 9)]  # type: ignore[attr-defined]


def test_messages_that_are_told() -> None:
    """By a command, with what it takes along; or to a peer, which nothing masks."""
    device = model("store ims: command { slots 8; cookie queue optional; }")
    store = device.stores["ims"]
    assert isinstance(store, ims.Command)
    store.tell(2, 0xFEE00000, 20, queue=7)
    assert store.cookies[2] == {"queue": 7}
    assert [device.send("ims", index) for index in (1, 2)] == ["masked", "sent"]
    store.tell(2, 0xFEE00000, 20, masked=True)
    assert device.send("ims", 2) == "masked"
    store.tell(8, 0, 0)
    assert rules(device) == [("outside", "ims[8]")]


def test_msix_has_its_own_masks() -> None:
    """An entry's, the function's, and the enable bit."""
    device = model("store ims: msix;")
    span, *_ = device.spans
    write_slot(device, 16, 3, bar=span.bar)
    assert device.send("ims", 1) == "off"
    device.config_write(ims.MSIX + 2, b"\x00\xc0")
    assert device.send("ims", 1) == "pending"
    device.config_write(ims.MSIX + 2, b"\x00\x80")
    assert device.messages == [(0xFEE00000, 3)]  # type: ignore[attr-defined]
    assert device.send("ims", 0) == "pending"


def test_msi_numbers_its_messages() -> None:
    """The low bits of the data are the index, of as many as were granted."""
    device = model("store ims: msi;", "vector a = ims[0]; pool q = ims[1..3] { dedicated; }")
    device.config_write(ims.MSI + 4, struct.pack("<QH", 0xFEE00000, 0x40))
    device.config_write(ims.MSI + 2, b"\x11\x00")
    assert [device.send("ims", index) for index in (0, 1, 2)] == ["sent", "sent", "empty"]
    assert device.messages == [(0xFEE00000, 0x40), (0xFEE00000, 0x41)]  # type: ignore[attr-defined]


# --- the function -----------------------------------------------------------------------------

PLAIN = f"store ims: iomem {{ bar 0; offset 0x1000; slots 8; {SLOT} }}"


def test_bars_say_their_size() -> None:
    """As PCI has it: ones are written, and the size's complement is read."""
    device = model(PLAIN)
    device.config_write(ims.BARS, b"\xff" * 4)
    assert struct.unpack("<i", device.config_read(ims.BARS, 4)) == (-device.sizes[0],)
    device.config_write(ims.BARS + 4, b"\xff" * 4)
    assert device.config_read(ims.BARS + 4, 4) == bytes(4)


def test_nothing_is_sent_without_bus_mastering() -> None:
    """Nor is anything by a device that is gone, or that drops it."""
    device = model(PLAIN)
    write_slot(device, 0x1000, 1)
    device.drop("ims", 0)
    assert [device.send("ims", 0) for _ in range(2)] == ["dropped", "sent"]
    device.config_write(ims.COMMAND, bytes(2))
    assert device.send("ims", 0) == "off"
    device.config_write(ims.COMMAND, b"\x06\x00")
    assert device.messages == [(0xFEE00000, 1)]  # type: ignore[attr-defined]
    device.gone()
    assert device.send("ims", 0) == "gone"
    assert device.read(0, 0x1000, 4) == device.config_read(0, 4) == b"\xff" * 4
    device.write(0, 0x1008, b"\x05\0\0\0")
    device.back()
    assert device.read(0, 0x1008, 4) == bytes(4)


def test_a_reset_forgets_everything() -> None:
    """By the function's own register, as the PCI core does it; wiping forgets a store only."""
    device = model(PLAIN)
    write_slot(device, 0x1000, 1)
    device.wipe("ims")
    assert device.send("ims", 0) == "empty"
    write_slot(device, 0x1000, 1)
    device.config_write(ims.EXPRESS + 8, struct.pack("<H", ims.RESET))
    assert on(device).send("ims", 0) == "empty"


def test_streams_and_doorbells() -> None:
    """Messages in turn; and what handlers have written to a register of the author's."""
    device = model(PLAIN)
    device.doorbell(0, 0x40)
    for index in range(2):
        write_slot(device, 0x1000 + 16 * index, index)
    assert device.stream([("ims", 0), ("ims", 1), ("ims", 2)], 30, 100000) == {
        "sent": 20,
        "empty": 10,
    }
    assert device.sent == {("ims", 0): 10, ("ims", 1): 10}
    assert device.stream([], 30) == {}
    put(device, 0, 0x40, 1)
    assert device.acknowledged == {1: 1}


@pytest.mark.parametrize(
    "line, said",
    [
        ("send ims 0", "1 sent\n"),
        ("send ims 0x1 3", "3 empty\n"),
        ("stream ims 0 1 4", "2 empty, 2 sent\n"),
        ("show", "ims[0]\n"),
        ("drop ims 0 2", ""),
        ("wipe ims", ""),
        ("gone", ""),
        ("send ims 8", "ims has 8 messages\n"),
        ("send table 0", "no store 'table'; there is ims\n"),
        ("", prompt.HELP),
        ("send ims", prompt.HELP),
        ("send ims x", prompt.HELP),
        ("send ims 0 1 2 3 4", prompt.HELP),
        ("stream ims 1 0 4", prompt.HELP),
        ("gone ims", prompt.HELP),
        ("wipe", prompt.HELP),
        ("jump", prompt.HELP),
    ],
)
def test_what_is_typed_is_done(line: str, said: str) -> None:
    """By the model; what is no command gives all commands."""
    device = model(PLAIN)
    write_slot(device, 0x1000, 1)
    assert prompt.do(device, line) == said


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps, rule",
    [
        ("mask address_lo address_hi data open", ""),
        ("address_lo address_hi data open", "unmasked"),
        ("mask address_hi data open", "torn"),
        ("mask address_lo data open", "torn"),
        ("mask address_lo address_hi open", "torn"),
        ("mask open", "empty"),
        ("mask nothing address_hi data open", "empty"),
    ],
)
def test_faults_of_a_slot_are_found(steps: str, rule: str) -> None:
    """What is found when slot 2 is written in these steps: by its rule, and with its name."""
    words = {
        "mask": (12, 1),
        "address_lo": (0, 0xFEE00000),
        "nothing": (0, 0),
        "address_hi": (4, 0),
        "data": (8, 5),
        "open": (12, 0),
    }
    device = model(PLAIN)
    for step in steps.split():
        offset, value = words[step]
        put(device, 0, 0x1020 + offset, value)
    assert rules(device) == ([(rule, "ims[2]")] if rule else [])


def test_what_is_not_read_back_is_found() -> None:
    """Once the guest does nothing any more: other slots may be accessed in between."""
    device = model(PLAIN)
    device.write(0, 0x101C, b"\x01\0\0\0")
    device.write(0, 0x102C, b"\x01\0\0\0")
    device.read(0, 0x102C, 4)
    assert rules(device) == [("read back", "ims[1]")]
    device = model(f"store ims: iomem {{ bar 0; offset 0; slots 40; mask_bits @0x1000; {BARE} }}")
    device.write(0, 0x1004, b"\xff" * 4)
    assert rules(device) == [("read back", "ims.mask_bits[1]")]


def test_half_a_message_that_nothing_masks() -> None:
    """It is found when it is sent."""
    device = model(
        f"store ims: iomem {{ bar 0; offset 0; slots 4; unmaskable; {BARE} }}",
        "requires remapping; pool q = ims { dedicated; }",
    )
    for offset, value in ((8, 5), (4, 0), (0, 0xFEE00000)):
        assert device.send("ims", 0) == "empty"
        put(device, 0, offset, value)
    assert device.send("ims", 0) == "sent"
    put(device, 0, 8, 6)
    assert rules(device) == []
    device.send("ims", 0)
    assert rules(device) == [("torn", "ims[0]")]


@pytest.mark.parametrize(
    "at, size, name",
    [
        (0x1008, 2, "ims[0]+0x8"),
        (0x1008, 8, "ims[0]+0x8"),
        (0x1011, 1, "ims[1]+0x1"),
        (0x2000, 4, "ims.pending[0]"),
    ],
)
def test_accesses_that_no_register_has(at: int, size: int, name: str) -> None:
    """Another width, another place, or a register that can only be read."""
    device = model(f"store ims: iomem {{ bar 0; offset 0x1000; slots 8; pending @0x2000; {SLOT} }}")
    put(device, 0, 0x100C, 1)
    put(device, 0, 0x101C, 1)
    device.write(0, at, bytes(size))
    device.read(0, at & ~15, 4)
    assert ("outside", name) in rules(device)


def test_what_a_driver_leaves_is_found() -> None:
    """When it has gone, nothing is open."""
    device = model(PLAIN)
    write_slot(device, 0x1010, 4)
    device.judge_empty()
    assert rules(device) == [("left", "ims[1]")]


# --- traces -----------------------------------------------------------------------------------


def test_a_trace_names_registers_and_replays(tmp_path: Path) -> None:
    """A line of JSON an access; done again without a guest, nothing differs."""
    device = model(f"store ims: iomem {{ bar 0; offset 0x1000; slots 8; pending @0x2000; {SLOT} }}")
    path = tmp_path / "trace"
    device.trace = ims.writer(str(path))
    device.config_write(ims.COMMAND, b"\x06\x00")
    write_slot(device, 0x1010, 4)
    put(device, 0, 0x101C, 1)
    device.send("ims", 1)
    put(device, 0, 0x101C, 0)
    device.drop("ims", 1)
    device.send("ims", 1)
    device.gone()
    device.read(0, 0x1010, 4)
    device.back()
    device.wipe("ims")
    lines = path.read_text().splitlines()
    assert {"ims[1].control", "ims[1].data"} <= {json.loads(line).get("name") for line in lines}
    fresh = type(device)()
    assert ims.replay(fresh, lines) == []
    assert fresh.sent == device.sent
    changed = [line.replace('"sent"', '"masked"').replace("dropped", "sent") for line in lines]
    assert len(ims.replay(type(device)(), changed)) == 1


# --- hostile guests -----------------------------------------------------------------------------


@cache
def kind_of(device: Device) -> type[ims.Device]:
    """The class of its models."""
    made: type[ims.Device] = emit.model_module("m", emit.text_of(device), "m.py").Model
    return made


@cache
def steps(of: Device) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """What a guest does, and the device: mostly where there is something."""
    device = on(kind_of(of)())
    places = st.tuples(st.integers(0, 6), st.integers(0, 1 << 17) | st.just(1 << 40))
    for span in device.spans:
        at = st.integers(span.start, span.start + span.length + 3)
        places |= st.tuples(st.just(span.bar), at)
    for place in device.registers:
        places |= st.just(place)
    store = st.sampled_from(list(device.stores))
    step = (
        st.tuples(st.just("read"), places, st.sampled_from([1, 2, 3, 4, 8, 64]))
        | st.tuples(st.just("write"), places, st.binary(min_size=1, max_size=9))
        | st.tuples(st.just("config"), st.integers(0, 4200), st.binary(min_size=1, max_size=9))
        | st.tuples(st.just("config"), st.just(ims.COMMAND), st.sampled_from([b"\6\0", b"\0"]))
        | st.tuples(st.sampled_from(["send", "drop"]), store, st.integers(0, 1 << 16))
        | st.tuples(st.sampled_from(["wipe", "reset", "gone", "back", "settle"]), store)
    )
    return st.lists(step, max_size=60)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_access_breaks_a_model(device: Device, data: st.DataObject) -> None:
    """Whatever is read, written and sent, in whatever order: answers, and no exception.

    And the trace of it, done again by a fresh model, gives the same answers.
    """
    made, fresh = on(kind_of(device)()), on(kind_of(device)())
    lines: list[str] = []
    made.trace = lambda line: lines.append(json.dumps(line))
    for what, *more in data.draw(steps(device)):
        if what == "read":
            (bar, at), size = more
            assert len(made.read(bar, at, size)) == size
        elif what == "write":
            made.write(*more[0], more[1])
        elif what == "config":
            made.config_write(*more)
            assert len(made.config_read(more[0], len(more[1]))) == len(more[1])
        elif what in ("send", "drop"):
            getattr(made, what)(more[0], more[1] % made.stores[more[0]].slots)
        else:
            getattr(made, what)(*more[: what == "wipe"])
    made.settle()
    made.judge_empty()
    assert len(made.findings) <= ims.MOST
    assert ims.replay(fresh, lines) == []
    assert fresh.sent == made.sent


def test_findings_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that does everything wrong doesn't fill the memory."""
    monkeypatch.setattr(ims, "MOST", 50)
    device = model(f"store ims: iomem {{ bar 0; offset 0; slots 64; {SLOT} }}")
    for at in range(0, 16 * 64, 16):
        device.write(0, at, b"\1")
    assert len(device.findings) == 50


@pytest.mark.parametrize("more", ["", "mask_bits bar 2 @0;", "mask_bits bar 2 @0 active low;"])
def test_as_many_messages_as_there_can_be(more: str) -> None:
    """In 2 GiB: only what is written takes memory and time."""
    slot = (BARE if more else SLOT).replace("16", "32768", 1)
    tracemalloc.start()
    begin = time.monotonic()
    device = model(f"store ims: iomem {{ bar 0; offset 0; slots 65536; {more} {slot} }}")
    for _ in range(20):
        on(device).reset()
        device.write(2, 0x1FFC, b"\xff" * 4)
        write_slot(device, 65535 * 32768, 5)
        device.read(2, 0x1FFC, 4)
        assert device.stores["ims"].message(65535) == (0xFEE00000, 5)
        assert len(device.open_messages()) <= 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert time.monotonic() - begin < 10


def test_a_bar_that_there_can_not_be() -> None:
    """Said when the model is made."""
    with pytest.raises(ValueError, match="BAR 0 would have 4,294,967,296 bytes"):
        model(
            f"store ims: iomem {{ bar 0; offset 0x1000; slots 65536; "
            f"{SLOT.replace('16', '32768', 1)} }}"
        )


def test_bytes_that_are_not_kept() -> None:
    """Units of a sparse memory are read and written as one."""
    data, plain = ims.Sparse(64, 16), bytearray(64)
    chance = random.Random(1)
    for _ in range(2000):
        at, size = chance.randrange(80), chance.randrange(70)
        if chance.random() < 0.5:
            new = chance.randbytes(size)
            data.write(at, new)
            plain[at : at + size] = new[: max(0, 64 - at)]
        else:
            assert data.read(at, size) == bytes(plain[at : at + size]).ljust(size, b"\0")
        if chance.random() < 0.01:
            data.clear()
            plain[:] = bytes(64)


def test_the_copied_module_is_the_tested_one(imsgen: Run, tmp_path: Path) -> None:
    """Byte for byte, and it runs by itself."""
    imsgen("model", EXAMPLES / "timer.ims", "-o", tmp_path)
    source = Path(str(ims.__file__)).read_bytes()
    assert (tmp_path / "ims_runtime.py").read_bytes() == source
    assert "Device" in runpy.run_path(str(tmp_path / "ims_runtime.py"))
