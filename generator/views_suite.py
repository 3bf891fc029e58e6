"""What the KUnit templates see on top of the device's view.

Offsets and expected values come straight from the model, not from the C that is under test.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    Context,
    Device,
    Endian,
    IomemStore,
    MsixStore,
    Pool,
    Register,
    SpecialVector,
)

from .names import names_of
from .views_stores import invalid_cookie

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Slots and MSI-X entries beyond the special ones that a suite works with.  UML of 6.12 has about
#: sixty interrupts in all.
_TEST_SLOTS = 6
_TEST_MSIX = 3

#: What the fake parent sends in the high half of an address.
_TEST_HI = 0x12345600

#: Bytes of slot table that the layout test covers at most.
_TEST_TABLE = 1 << 20


def suite_view(device: Device, view: View) -> View:
    """What the KUnit templates use on top of :func:`device_view`.

    Offsets and expected values come straight from the model, not from the C that is under test.
    """
    for store in view["stores"]:
        model = device.store(store["name"])
        assert isinstance(model, IomemStore)
        store["t"] = _test_store(device, model, store)
    msix = _test_msix(device)
    for pool, model_pool in zip(view["pools"], device.pools, strict=True):
        pool["t"] = _test_pool(device, model_pool, pool, msix)

    vectors = [_test_vector(device, v) for v in device.vectors]
    hard_ims = [v for v in vectors if v["hard"] and not v["msix"]]
    rewrite = None
    if hard_ims and view["stores"] and view["stores"][0]["rewrites"]:
        t = view["stores"][0]["t"]
        rewrite = {
            "name": hard_ims[0]["name"],
            "index": hard_ims[0]["index"],
            "writes": t["nr_live_writes"],
            "control": t["control_offset"],
            "address": (
                "(u64)msg.address_hi << 32 | msg.address_lo" if t["has_hi"] else "msg.address_lo"
            ),
        }
    suite: View = {
        "msix": msix,
        "vectors": vectors,
        "rewrite": rewrite,
        "restore": hard_ims[0] if hard_ims else None,
        "has_request": any(v["hard"] for v in vectors) or any(p.dedicated for p in device.pools),
        "has_send": bool(device.pools) or any(v["msix"] for v in vectors),
        "params": [{"name": p["name"], "value": _test_param(p["name"])} for p in view["params"]],
        "has_dedicated": any(p.dedicated for p in device.pools),
        "test_cookies": _test_cookie(view["pools"]),
        "pass": ", ctx->fake->bar" if view["init_pass"] and not view["has_params"] else "",
    }
    suite["cases"] = _test_cases(device, view, suite)
    includes = {"kunit/test.h", "linux/cpumask.h", "linux/interrupt.h", "linux/irq.h"}
    includes |= {"linux/irqdomain.h", "linux/module.h", "linux/msi.h", "linux/pci.h"}
    includes |= {"linux/string.h", "linux/unaligned.h", names_of(device).include.strip("<>")}
    if any(s["cookies"] for s in view["stores"]):
        includes.add("linux/iommu.h")
    return {"suite": suite, "suite_includes": sorted(includes), "suite_up": "../"}


def _test_cookie(pools: list[View]) -> list[View]:
    """The cookie that stands in where one is needed: one entry, or none."""
    for pool in pools:
        if any(not c["optional"] for c in pool["t"]["cookies"]):
            fields = [{"name": c["name"], "value": c["any"]} for c in pool["t"]["cookies"]]
            return [{"struct": pool["cookie"], "fields": fields}]
    return []


def _test_param(name: str) -> str:
    if name.startswith("bar"):
        return "ctx->fake->bar"
    if name.endswith("_offset"):
        return "TEST_BASE"
    if name.endswith("_slots"):
        return "TEST_SLOTS"
    return f"test_{name}"


def _test_vector(device: Device, v: SpecialVector) -> View:
    hard = v.context is Context.HARD
    if hard:
        request = "test_request(ctx, irq)"
    else:
        flags = "IRQF_ONESHOT" if v.context is Context.ONESHOT else "0"
        request = (
            f"request_threaded_irq(irq, NULL, test_count, {flags},\n"
            f'»"{device.name}", &ctx->fired)'
        )
    return {
        "name": v.name,
        "index": v.index,
        "hard": hard,
        "msix": isinstance(device.store(v.store), MsixStore),
        "request": request,
    }


def _swap(value: int, width: int, endian: Endian) -> int:
    """What a little-endian bus sees of ``value`` in a register of that byte order."""
    if endian is Endian.LITTLE:
        return value
    return int.from_bytes(value.to_bytes(width // 8, "big"), "little")


def _load(register: Register, endian: Endian) -> str:
    order = "be" if endian is Endian.BIG else "le"
    where = f"slot + {register.offset}" if register.offset else "slot"
    if register.width == 8:
        return f"*({where})"
    return f"get_unaligned_{order}{register.width}({where})"


def _idle(control_mask_low: bool, bit: int) -> int:
    return 1 << bit if control_mask_low else 0


def _test_slots(device: Device, store: IomemStore) -> int:
    """How many slots the fake device has: a few in each range, if the driver says how many."""
    if store.slots.value is not None:
        return store.slots.value
    need = [_TEST_SLOTS] + [v.index + 1 for v in device.vectors if v.store == store.name]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store == store.name:
                need.append(r.first + _TEST_MSIX if r.last is None else r.last + 1)
    return min(store.slots.maximum, max(need))


def _test_store(device: Device, store: IomemStore, view: View) -> View:
    layout, control = store.layout, store.layout.control
    endian = layout.endian
    mask_bit = 1 << control.mask.bit
    low = control.mask.active_low
    idle = _idle(low, control.mask.bit)
    sample = idle
    for c in control.cookies:
        sample |= (0x5A5A5A5A & ((1 << c.width) - 1)) << c.shift
        if c.enable_bit is not None:
            sample |= 1 << c.enable_bit
    sample_masked = sample & ~mask_bit if low else sample | mask_bit
    masked = 0 if low else mask_bit
    width = control.register.width
    message = [layout.address_lo] + ([layout.address_hi] if layout.address_hi else [])
    message.append(layout.data)
    data_base = 0x8000 if layout.data.width == 16 else 0x87650000
    values = {"address_lo": 0xFEE01234, "address_hi": 0x56789ABC, "data": data_base}
    log = [
        {
            "nr": nr,
            "write": "true",
            "offset": r.offset,
            "size": r.width // 8,
            "value": f"{_swap(values[r.name], r.width, endian):#x}",
        }
        for nr, r in enumerate(message)
    ]
    log.append({**log[-1], "nr": len(message), "write": "false"})

    covered = sorted((r.offset, r.offset + r.width // 8) for r in message)
    untouched, at = [], 0
    for start, end in [*covered, (layout.stride, layout.stride)]:
        if start > at:
            untouched.append({"offset": at, "size": start - at})
        at = end
    slots = store.slots.value if store.slots.value is not None else store.slots.maximum
    layout_slots = min(slots, _TEST_TABLE // layout.stride, 0x8000)
    high = layout.address_hi
    address = _load(layout.address_lo, endian)
    if high:
        address = f"(u64){_load(high, endian)} << 32 | {address}"
    return {
        "base": f"{store.offset.value:#x}" if store.offset.value is not None else "0x400",
        "stride": layout.stride,
        "slots": _test_slots(device, store),
        "layout_slots": layout_slots,
        "mask_index": 1 if layout_slots > 1 else 0,
        "mask_bit": f"{mask_bit:#x}",
        "ctrl_idle": f"{idle:#x}",
        "ctrl_masked": f"{masked:#x}",
        "address_hi_value": f"{_TEST_HI:#x}" if high else "0",
        "has_hi": high is not None,
        "address": address,
        "address_lo": _load(layout.address_lo, endian),
        "address_hi": _load(high, endian) if high else "",
        "data": _load(layout.data, endian),
        "data_base": f"{data_base:#x}",
        "data_cast": f"(u{layout.data.width})",
        "control": _load(control.register, endian),
        "control_offset": control.register.offset,
        "control_size": width // 8,
        "ctrl_sample": f"{sample:#x}",
        "ctrl_sample_le": f"{_swap(sample, width, endian):#x}",
        "ctrl_sample_masked_le": f"{_swap(sample_masked, width, endian):#x}",
        "ctrl_reset_le": f"{_swap(masked, width, endian):#x}",
        "sample_address": "0x56789abcfee01234ULL" if high else "0xfee01234",
        "untouched": untouched,
        "nr_writes": len(message),
        "nr_write_log": len(log),
        "nr_reset_writes": len(message) + 1,
        "nr_live_writes": len(message) + 2,
        "write_log": log,
        "refused": "0" if view["fallback"] else "-EOPNOTSUPP",
        "refused_what": (
            "the device makes do with MSI-X" if view["fallback"] else "the driver can't load"
        ),
        "no_slots": "0" if view["fallback"] else "-EINVAL",
        "too_many": store.slots.maximum + 1,
    }


def _test_msix(device: Device) -> int:
    """Entries of the fake MSI-X table: the special ones and a few for each pool."""
    msix = {s.name for s in device.stores if isinstance(s, MsixStore)}
    need = [v.index + 1 for v in device.vectors if v.store in msix]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store in msix:
                need.append(r.first + _TEST_MSIX if r.last is None else r.last + 1)
    return max(need, default=0)


def _test_pool(device: Device, pool: Pool, view: View, msix: int) -> View:
    segments: list[View] = []
    base = 0
    for r, s in zip(pool.ranges, view["segments"], strict=True):
        store = device.store(r.store)
        if isinstance(store, MsixStore):
            size = msix
        else:
            size = _test_slots(device, store)
        last = size - 1 if r.last is None else min(r.last, size - 1)
        segments.append(
            {
                "name": s["name"],
                "store": r.store,
                "base": base,
                "first": r.first,
                "final": last,
                "several": last > r.first,
                "nr": last - r.first + 1,
                "is_ims": "false" if isinstance(store, MsixStore) else "true",
            }
        )
        base += last - r.first + 1
    cookies = _test_cookies(device, pool) if view["cookie"] else []
    needed = any(not c["optional"] for c in cookies)
    no_cookie = ("&test_cookie, " if needed else "NULL, ") if view["cookie"] else ""
    get_nth = ""
    for s in segments:
        get = (
            f"{view['fn']}_get_{s['name']}(&ctx->irqs, i - {s['base']} + {s['first']}, "
            f"{no_cookie}mask)"
        )
        if s is segments[-1]:
            get_nth += get
        else:
            get_nth += f"i < {s['base'] + s['nr']} ?\n»{get} :\n»"
    ims = next((s for s in segments if s["is_ims"] == "true"), None)
    store_model = device.store(ims["store"]) if ims else None
    writes = 0
    if isinstance(store_model, IomemStore):
        writes = 3 if store_model.layout.address_hi else 2
    prefix = {
        s.name: max((v.index + 1 for v in device.vectors if v.store == s.name), default=1)
        for s in device.stores
        if isinstance(s, MsixStore)
    }
    static = [s for s in segments if s["is_ims"] == "false"]
    at_once = sum(max(0, min(s["final"] + 1, prefix[s["store"]]) - s["first"]) for s in static)
    return {
        "nr": base,
        "dynamic": base - at_once,
        "static": static,
        "segments": segments,
        "no_cookie": no_cookie,
        "get_nth": get_nth,
        "ims": ims if pool.dedicated else None,
        "cookies": cookies,
        "startup_writes": writes + 1,
    }


def _test_cookies(device: Device, pool: Pool) -> list[View]:
    store = next(
        s
        for s in (device.store(r.store) for r in pool.ranges)
        if isinstance(s, IomemStore) and s.layout.control.cookies
    )
    control = store.layout.control
    low = control.mask.active_low
    idle = _idle(low, control.mask.bit)
    out = []
    for c in control.cookies:
        others = 0
        for other in control.cookies:
            if other is not c and other.enable_bit is not None:
                others |= 1 << other.enable_bit
        enable = 0 if c.enable_bit is None else 1 << c.enable_bit
        top = (1 << c.width) - 1
        good = [
            {"value": f"{v:#x}", "ctrl": f"{idle | others | enable | v << c.shift:#x}"}
            for v in sorted({0, 1, top // 3, top})
        ]
        bad = [top + 1, 0xFFFFFFFE]
        if c.optional:
            good.append({"value": invalid_cookie(c), "ctrl": f"{idle | others:#x}"})
        else:
            bad.append(0xFFFFFFFF)
        out.append(
            {
                "name": c.name,
                "optional": c.optional,
                "any": invalid_cookie(c) if c.optional else "1",
                "good": good,
                "bad": ", ".join(f"{v:#x}" for v in sorted(set(bad)) if top < v <= 0xFFFFFFFF),
                "mask_op": "& ~TEST_MASK_BIT" if low else "| TEST_MASK_BIT",
                "ctrl_reset": "0" if low else f"{1 << control.mask.bit:#x}",
            }
        )
    return out


def _test_cases(device: Device, view: View, suite: View) -> list[str]:
    f = f"{device.name}_test"
    cases = []
    for store in view["stores"]:
        s = f"{f}_{store['name']}"
        cases += [f"{s}_layout", f"{s}_write_accesses", f"{s}_mask_accesses", f"{s}_reset_accesses"]
        if store["rewrites"]:
            cases.append(f"{s}_write_live_accesses")
        cases += [f"{s}_not_supported", f"{s}_not_isolated"]
        if store["runtime_slots"]:
            cases.append(f"{s}_slots")
        if store["runtime_offset"]:
            cases.append(f"{s}_offset")
    cases += [f"{f}_vector_{v['name']}" for v in suite["vectors"]]
    if suite["rewrite"]:
        cases += [f"{f}_rewrite", f"{f}_affinity"]
    if suite["restore"]:
        cases.append(f"{f}_restore")
    for pool, model in zip(view["pools"], device.pools, strict=True):
        p = f"{f}_{model.name}"
        if model.dedicated:
            cases.append(f"{p}_order")
            cases += [f"{p}_static_{s['name']}" for s in pool["t"]["static"]]
            cases += [f"{p}_at_{s['name']}" for s in pool["t"]["segments"]]
            cases.append(f"{p}_dedicated")
        if pool["t"]["ims"]:
            cases += [f"{p}_slots", f"{p}_chip_accesses"]
        cases += [f"{p}_cookie_{c['name']}" for c in pool["t"]["cookies"]]
        if model.sharing:
            cases += [
                f"{p}_share_limit",
                f"{p}_per_cpu",
                f"{p}_share_full",
                f"{p}_share_room",
                f"{p}_no_space",
                f"{p}_dispatch",
            ]
            if model.dedicated:
                cases.append(f"{p}_never_shared")
    return cases
