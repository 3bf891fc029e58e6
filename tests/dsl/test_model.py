"""Files to models: every property arrives, with its span."""

from __future__ import annotations

import json

import pytest
from dsl_samples import (
    COMMAND,
    EVERYTHING,
    EXAMPLES,
    EXPORTED,
    GOOD,
    MEMORY,
    MSIX,
    ROOT,
    STORE,
    device,
    slot,
)

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.model import (
    BitArray,
    CommandStore,
    Context,
    Device,
    Endian,
    ExportedStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    MsixStore,
    Range,
    SharePolicy,
    SlotLayout,
    Table,
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
    # Two examples have dedicated vectors on platforms without isolation, and are warned of it.
    text = path.read_text()
    warned = ["IMS048"] if "remapping optional;" in text and "dedicated;" in text else []
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
    (queue,) = idxd.pools
    assert [(r.store, r.first, r.last) for r in queue.ranges] == [
        ("table", 1, None),
        ("ims", 0, None),
    ]
    assert queue.sharing is not None
    assert (queue.name, queue.purpose, queue.sharing.limit, queue.dedicated) == (
        "queue", "work queue completions", 8, True,
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
        ("queue", 16, 16, 5, True),
        ("pasid", 8, 8, None, True),
    ]
    assert [(v.name, v.context, v.purpose) for v in every.vectors] == [
        ("misc", Context.THREADED, "errors and events"),
        ("admin", Context.ONESHOT, ""),
        ("tick", Context.HARD, "tick"),
    ]
    wq, rx, load_pool = every.pools
    assert [(r.store, r.first, r.last) for r in wq.ranges] == [
        ("table", 2, None), ("ims", 1, 7), ("ims", 9, 9),
    ]  # fmt: skip
    assert (rx.sharing, rx.dedicated) == (None, True)
    assert (wq.node, rx.node, load_pool.node) == (False, True, True)
    assert (every.minimum, both.devices[1].minimum) == (16, 0)
    bare = next(one for one in both.devices if one.name == "bare").store("q")
    assert isinstance(bare, MemoryStore)
    assert bare.layout.control is None


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
    ("", COMMAND, "pool p = c { dedicated; }", True),
    ("", EXPORTED, "vector v = peer[0];", True),
    ("", MSIX + COMMAND, "vector v = table[0];", True),
    ("", MEMORY, "vector v = q[0];", False),
    ("", MEMORY, "pool p = q { dedicated; }", True),
    ("", "store m: msi;", "pool p = m[1..] { dedicated; }", False),
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
    assert shown(ims.layout.control.cookies[0].span) == "queue bits 31:16 cookie optional;"
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


def test_msi() -> None:
    (store,) = one(device("store m: msi;", "vector v = m[31];")).stores
    assert isinstance(store, MsiStore)
    assert (store.name, shown(store.span)) == ("m", "store m: msi;")


def test_memory() -> None:
    store = one(device(MEMORY, "vector v = q[0];")).store("q")
    assert isinstance(store, MemoryStore)
    assert (store.slots.value, store.slots.maximum) == (None, 4096)
    slots = store.layout
    assert slots.address_hi is not None and slots.control is not None
    assert [r.offset for r in (slots.address_lo, slots.data, slots.address_hi)] == [0, 4, 8]


def test_memory_big_endian_wide_address() -> None:
    """The lower half of a big-endian address is behind the upper one, beside the data."""
    text = "slot 24 big endian { address @4; data @12; control @16 { mask bit 0; } }"
    store = one(device(f"store q: memory {{ slots 4; {text} }}", "vector v = q[0];")).stores[0]
    assert isinstance(store, MemoryStore)
    assert (store.layout.address_lo.offset, store.layout.data.offset) == (8, 12)


def test_command() -> None:
    store = one(device(COMMAND, "pool p = c { dedicated; }")).store("c")
    assert isinstance(store, CommandStore)
    assert (store.slots.value, store.slots.maximum) == (None, 65536)
    assert [(c.name, c.optional, shown(c.span)) for c in store.cookies] == [
        ("queue", False, "cookie queue;"),
        ("pasid", True, "cookie pasid optional;"),
    ]


def test_exported() -> None:
    store = one(device(EXPORTED, "vector v = peer[0];")).store("peer")
    assert isinstance(store, ExportedStore)
    assert (store.slots.value, store.slots.maximum) == (16, 16)


def iomem(*parts: str, control: str = "mask bit 0;") -> IomemStore:
    text = slot("address @0;", "data @8;", control=control)
    store = one(device(text.replace("bar 0;", " ".join(("bar 0;", *parts))), "vector v = ims[0];"))
    assert isinstance(store.stores[0], IomemStore)
    return store.stores[0]


def tables(*parts: str) -> IomemStore:
    text = slot("address @0;", "data @8;").replace("offset 0x1000;", " ".join(parts))
    store = one(device(text.replace("slots 8;", ""), "vector v = ims[0];")).stores[0]
    assert isinstance(store, IomemStore)
    return store


def test_tables() -> None:
    store = tables("table offset 0x800 slots 48;", "table offset 0x100 slots 16;")
    first, second = store.tables
    assert first == Table(0x800, 48, first.span)
    assert second == Table(0x100, 16, second.span)
    assert (store.offset.value, store.offset.maximum) == (0x800, 0x800)
    assert (store.slots.value, store.slots.maximum) == (64, 64)
    assert shown(second.span) == "table offset 0x100 slots 16;"


def test_one_table_is_no_split() -> None:
    store = tables("table offset 0x800 slots 48;")
    assert (store.tables, store.offset.value, store.slots.value) == ((), 0x800, 48)


def test_mask_bits() -> None:
    plain = iomem("mask_bits @0x400;", control="")
    assert plain.layout.control is None
    assert plain.mask_bits == BitArray(0, 0x400, False, plain.mask_bits.span)
    assert plain.pending is None
    other = iomem("mask_bits bar 2 @0x400 active low;", control="queue bits 7:0 cookie optional;")
    assert other.mask_bits == BitArray(2, 0x400, True, other.mask_bits.span)
    assert other.layout.control is not None
    assert other.layout.control.mask is None
    assert [c.name for c in other.layout.control.cookies] == ["queue"]


def test_pending() -> None:
    store = iomem("pending bar 5 @0x500;")
    assert store.pending == BitArray(5, 0x500, False, store.pending.span)
    assert iomem("pending @0x500;").pending.bar == 0
    assert store.mask_bits is None


def test_policies() -> None:
    pools = one(
        device(
            MSIX,
            "pool a = table[0..7] { share least loaded up to 64; dedicated; reserve 4; }",
            "pool b = table[8..] { share per cpu up to 8; }",
        )
    ).pools
    assert [(p.sharing.policy, p.sharing.limit) for p in pools if p.sharing] == [
        (SharePolicy.LEAST_LOADED, 64),
        (SharePolicy.PER_CPU, 8),
    ]
    assert [(p.dedicated, p.reserve, p.managed) for p in pools] == [
        (True, 4, False),
        (False, 0, False),
    ]


def test_managed() -> None:
    (pool,) = one(device(MSIX, "vector a = table[0];", "pool io = table[1..] { managed; }")).pools
    assert (pool.managed, pool.sharing, pool.dedicated) == (True, None, False)


def test_subdevices() -> None:
    (sf,) = one(
        device(
            MSIX,
            "pool ctrl = table[0..7] { share per cpu up to 8; }",
            "pool comp = table[8..] { share per cpu up to 8; }",
            "subdevice sf max 1024 { vectors comp 1..256; vector ctrl; }",
        )
    ).subdevices
    assert (sf.name, sf.maximum) == ("sf", 1024)
    assert [(m.pool, m.minimum, m.maximum, m.single) for m in sf.members] == [
        ("comp", 1, 256, False),
        ("ctrl", 1, 1, True),
    ]
    assert shown(sf.members[0].span) == "vectors comp 1..256;"


def test_architectures() -> None:
    found = one(device("architecture x86_64, arm64;", MSIX, "vector v = table[0];"))
    assert found.architectures == ("x86_64", "arm64")
    assert one(GOOD).architectures == ()


def test_named_layout() -> None:
    """Two stores of one layout are the same but for the stores themselves."""
    text = "slot family 16 { address @0; data @8; control @12 { mask bit 0; } }"
    both = "".join(
        device(
            "store ims: iomem { bar 0; offset 0; slots 8; slot family; }",
            "vector v = ims[0];",
            name=name,
            pci=f"    pci 1af4:000{number};\n",
        )
        for number, name in enumerate(("foo", "bar"))
    )
    result = load("model.ims", (both + text).encode())
    assert not result.diagnostics, render(result.diagnostics)
    layouts = [found.stores[0].layout for found in result.devices]  # type: ignore[union-attr]
    assert layouts[0] == layouts[1]
    assert shown(layouts[0].span).startswith("slot family 16")


JSON = [
    (MEMORY, "vector v = q[0];", "MemoryStore", {"name": "q"}),
    (
        COMMAND,
        "pool p = c { dedicated; }",
        "CommandStore",
        {"cookies": [("queue", False), ("pasid", True)]},
    ),
    (EXPORTED, "vector v = peer[0];", "ExportedStore", {"name": "peer"}),
    ("store m: msi;", "vector v = m[0];", "MsiStore", {"name": "m"}),
]


@pytest.mark.parametrize(("store", "use", "kind", "keys"), JSON)
def test_json_of_stores(store: str, use: str, kind: str, keys: dict[str, object]) -> None:
    made = to_json(one(device(store, use)))["stores"][0]
    assert made["kind"] == kind
    for key, value in keys.items():
        if key == "cookies":
            assert [(c["name"], c["optional"]) for c in made[key]] == value
        else:
            assert made[key] == value


def test_json_of_policies_and_subdevices() -> None:
    made = to_json(load("model.ims", EVERYTHING.encode()).devices[0])
    assert [pool["sharing"] and pool["sharing"]["policy"] for pool in made["pools"]] == [
        "per cpu", None, "least loaded",
    ]  # fmt: skip
    assert [pool["reserve"] for pool in made["pools"]] == [4, 0, 0]
    assert [m["single"] for m in made["subdevices"][0]["members"]] == [True, False]
    assert made["architectures"] == ["x86_64", "arm64"]
    split = to_json(load("model.ims", EVERYTHING.encode()).devices[1])["stores"][0]
    assert [(t["offset"], t["slots"]) for t in split["tables"]] == [(0x100, 16), (0x800, 48)]
    assert (split["mask_bits"]["bar"], split["mask_bits"]["active_low"]) == (2, True)
    assert split["pending"]["bar"] == 0
    assert split["layout"]["control"]["mask"] is None
