"""Files to models: every property arrives, with its span."""

from __future__ import annotations

import json

import pytest
from dsl_samples import EVERYTHING, EXAMPLES, GOOD, MSIX, ROOT, STORE, device, slot

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.model import (
    Context,
    Device,
    Endian,
    IomemStore,
    MsixStore,
    Range,
    SlotLayout,
    to_json,
)
from imsgen.dsl.source import Span

REGISTERS = ("address_lo @0;", "address_hi @4;", "data @8;")


def one(text: str) -> Device:
    result = load("model.ims", text.encode())
    assert len(result.devices) == 1, render(result.diagnostics)
    return result.devices[0]


def layout(text: str) -> SlotLayout:
    store = one(device(text, "vector misc = ims[0];")).store("ims")
    assert isinstance(store, IomemStore)
    return store.layout


def shown(span: Span) -> str:
    return span.source.text[span.start : span.end]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_load(path) -> None:  # type: ignore[no-untyped-def]
    result = load(path)
    # Two examples run on platforms without isolation on purpose, and are warned of it.
    warned = ["IMS048"] if "remapping optional;" in path.read_text() else []
    assert [f.code for f in result.diagnostics] == warned, render(result.diagnostics)
    assert [found.name for found in result.devices] == [path.stem]
    assert result.devices[0].file == path.name


def test_idxd() -> None:
    (idxd,) = load(ROOT / "examples" / "idxd.ims").devices
    assert (idxd.title, idxd.path, idxd.maintainers) == ("Data streaming accelerator", None, ())
    assert [(i.vendor, i.device, i.pci_class) for i in idxd.ids] == [(0x8086, 0x0B25, None)]
    assert idxd.remapping is True
    table, ims = idxd.stores
    assert isinstance(table, MsixStore)
    assert isinstance(ims, IomemStore)
    assert (ims.bar, ims.offset.value, ims.slots.value, ims.slots.maximum) == (0, None, None, 16128)
    assert ims.offset.runtime and ims.slots.runtime
    assert ims.offset.maximum == (1 << 32) - 16 * 16128
    slots = ims.layout
    assert slots.address_hi is not None
    registers = (slots.address_lo, slots.address_hi, slots.data, slots.control.register)
    assert [(r.name, r.offset, r.width) for r in registers] == [
        ("address_lo", 0, 32),
        ("address_hi", 4, 32),
        ("data", 8, 32),
        ("control", 12, 32),
    ]
    assert (slots.stride, slots.endian) == (16, Endian.LITTLE)
    assert (slots.control.mask.bit, slots.control.mask.active_low) == (0, False)
    (pasid,) = slots.control.cookies
    assert (pasid.name, pasid.shift, pasid.width, pasid.enable_bit, pasid.optional) == (
        "pasid", 12, 20, 3, True,
    )  # fmt: skip
    (misc,) = idxd.vectors
    assert (misc.name, misc.store, misc.index, misc.purpose, misc.context) == (
        "misc", "table", 0, "errors and events", Context.THREADED,
    )  # fmt: skip
    (wq,) = idxd.pools
    assert [(r.store, r.first, r.last) for r in wq.ranges] == [("table", 1, None), ("ims", 0, None)]
    assert wq.sharing is not None
    assert (wq.name, wq.purpose, wq.sharing.limit, wq.dedicated) == (
        "wq", "work queue completions", 8, True,
    )  # fmt: skip


def test_timer() -> None:
    (timer,) = load(ROOT / "examples" / "timer.ims").devices
    assert timer.remapping is False
    (ims,) = timer.stores
    assert isinstance(ims, IomemStore)
    assert (ims.offset.value, ims.offset.maximum, ims.slots.value) == (0x100, 0x100, 1)
    assert timer.pools == ()
    assert timer.vectors[0].context is Context.HARD


def test_everything() -> None:
    both = load("model.ims", EVERYTHING.encode())
    assert not both.diagnostics, render(both.diagnostics)
    every = both.devices[0]
    assert [(i.vendor, i.device, i.pci_class) for i in every.ids] == [
        (0x8086, 0x0B25, None),
        (0x8086, 0x11FB, None),
        (None, None, 0x010802),
    ]
    assert every.path == "drivers/dma/all"
    assert every.maintainers == (
        "Jane Doe <jane@example.org>",
        "Jörg Müller <joerg@example.org>",
    )
    ims = every.store("ims")
    assert isinstance(ims, IomemStore)
    assert (ims.offset.value, ims.offset.maximum) == (None, 0x100000)
    assert (ims.layout.stride, ims.layout.endian, ims.layout.data.width) == (32, Endian.BIG, 16)
    control = ims.layout.control
    assert control.mask.active_low is True
    assert [(c.name, c.shift, c.width, c.enable_bit, c.optional) for c in control.cookies] == [
        ("queue", 16, 16, 5, False),
        ("pasid", 8, 8, None, True),
    ]
    assert [(v.name, v.context, v.purpose) for v in every.vectors] == [
        ("misc", Context.THREADED, "errors and events"),
        ("admin", Context.ONESHOT, ""),
        ("tick", Context.HARD, "tick"),
    ]
    wq, rx = every.pools
    assert [(r.store, r.first, r.last) for r in wq.ranges] == [
        ("table", 2, None), ("ims", 1, 7), ("ims", 9, 9),
    ]  # fmt: skip
    assert (rx.sharing, rx.dedicated) == (None, True)


@pytest.mark.parametrize(
    ("endian", "low", "high"), [("", 8, 12), ("little endian", 8, 12), ("big endian", 12, 8)]
)
def test_wide_address_in_store_byte_order(endian: str, low: int, high: int) -> None:
    text = slot("address @8;", "data @0;", "control @4 { mask bit 0; }", endian=endian, control="")
    slots = layout(text)
    assert slots.address_hi is not None
    assert (slots.address_lo.name, slots.address_lo.offset) == ("address_lo", low)
    assert (slots.address_hi.name, slots.address_hi.offset) == ("address_hi", high)
    assert slots.address_lo.width == slots.address_hi.width == 32


@pytest.mark.parametrize("register", ["address @0 width 32;", "address_lo @0;"])
def test_narrow_address(register: str) -> None:
    slots = layout(slot(register, "data @8;"))
    assert (slots.address_lo.offset, slots.address_lo.width) == (0, 32)
    assert slots.address_hi is None


def test_title_is_the_name_where_there_is_none() -> None:
    assert one(GOOD).title == "foo"


REMAPPING = [
    ("", STORE, "vector v = ims[0];", False),
    ("", MSIX, "pool p = table { dedicated; }", False),
    ("", STORE, "pool p = ims { share per cpu up to 8; }", False),
    ("", STORE, "pool p = ims { dedicated; }", True),
    ("", MSIX + STORE, "pool p = table + ims { dedicated; share per cpu up to 8; }", True),
    ("requires remapping;", STORE, "vector v = ims[0];", True),
    ("remapping optional;", STORE, "vector v = ims[0];", False),
    ("remapping optional;", STORE, "pool p = ims { dedicated; }", False),
]


@pytest.mark.parametrize(("said", "stores", "use", "expected"), REMAPPING)
def test_remapping(said: str, stores: str, use: str, expected: bool) -> None:
    parts = [part for part in (said, stores, use) if part]
    assert one(device(*parts)).remapping is expected


def test_spans() -> None:
    every = load("model.ims", EVERYTHING.encode()).devices[0]
    assert shown(every.span).startswith("device all")
    assert shown(every.span).endswith("}")
    assert shown(every.ids[1].span) == "pci 8086:11fb;"
    table, ims = every.stores
    assert shown(table.span) == "store table: msix;"
    assert isinstance(ims, IomemStore)
    assert shown(ims.offset.span) == "offset runtime max 0x10_0000;"
    assert shown(ims.slots.span) == "slots runtime max 16_128;"
    assert shown(ims.layout.data.span) == "data @20 width 16;"
    assert shown(ims.layout.address_lo.span) == "address @8 width 64;"
    assert shown(ims.layout.control.register.span) == "control @24 width 32"
    assert shown(ims.layout.control.mask.span) == "mask bit 0 active low;"
    assert shown(ims.layout.control.cookies[0].span) == "queue bits 31:16 cookie;"
    assert shown(every.vectors[1].span) == "vector admin = ims[0x0] oneshot;"
    wq = every.pools[0]
    assert [shown(part.span) for part in wq.ranges] == ["table[2..]", "ims[1..7]", "ims[9]"]
    assert wq.sharing is not None
    assert shown(wq.sharing.span) == "share per cpu up to 8;"


def test_json_is_plain_and_repeatable() -> None:
    devices = load("model.ims", EVERYTHING.encode()).devices
    text = json.dumps(to_json(devices))
    again = json.dumps(to_json(load("model.ims", EVERYTHING.encode()).devices))
    assert text == again
    assert json.loads(text)[0]["kind"] == "Device"


def test_unknown_store_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        one(GOOD).store("nothing")


def test_range_to_the_end() -> None:
    pool = one(device(MSIX, "pool p = table { dedicated; }")).pools[0]
    assert pool.ranges == (Range("table", 0, None, pool.ranges[0].span),)
