"""What the KUnit templates see on top of the device's view.

Offsets and expected values come straight from the model, not from the C that is under test.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    CommandStore,
    Context,
    Device,
    ImsStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    MsixStore,
    PciStore,
    Pool,
    SpecialVector,
)

from .names import names_of
from .views import plain_pools
from .views_minimum import too_few
from .views_stores import can_mask, cookies_of, ims_of, ims_stores, invalid_cookie
from .views_suite_stores import (
    TEST_QUEUES,
    TEST_WANTED,
    few,
    idle,
    store_param,
    store_test,
    test_slots,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


def suite_view(device: Device, view: View) -> View:
    """What the KUnit templates use on top of :func:`device_view`.

    Offsets and expected values come straight from the model, not from the C that is under test.
    """
    for store in view["stores"]:
        model = device.store(store["name"])
        assert isinstance(model, ImsStore)
        store["t"] = store_test(device, model, store)
    pci = _test_pci(device)
    lose = view["stores"][0]["t"]["lose"] if view["stores"] else ""
    for pool, model_pool in zip(view["pools"], plain_pools(device), strict=True):
        pool["t"] = _test_pool(device, model_pool, pool, pci, lose)

    for managed in view["managed"]:
        slots = sum(store["t"]["slots"] for store in view["stores"])
        managed["t"] = _test_managed(device, managed, pci, slots)
    for sub in view["subdevices"]:
        _test_subdevice(sub, view["pools"])

    vectors = [_test_vector(device, v) for v in device.vectors]
    hard_ims = [v for v in vectors if v["hard"] and not v["msix"]]
    rewrite = None
    if hard_ims and view["stores"][0]["rewrites"]:
        t = view["stores"][0]["t"]
        index = hard_ims[0]["index"]
        where = f"TEST_BASE + {index} * TEST_STRIDE + {t['control_offset']}"
        if t["bits"]:
            where = f"TEST_MASK_BITS + {index} / 32 * 4"
        rewrite = {
            "name": hard_ims[0]["name"],
            "index": hard_ims[0]["index"],
            "writes": t["nr_live_writes"],
            "counts": view["stores"][0]["iomem"],
            "reads": 3 if t["bits"] else 1,
            "where": where,
            "address": (
                "(u64)msg.address_hi << 32 | msg.address_lo" if t["has_hi"] else "msg.address_lo"
            ),
        }
    suite: View = {
        "msix": pci if any(isinstance(s, MsixStore) for s in device.stores) else 0,
        "msi": _power(pci) if any(isinstance(s, MsiStore) for s in device.stores) else 0,
        "command_vector": hard_ims[0] if hard_ims and view["messages"] else None,
        "ims_vector": hard_ims[0] if hard_ims else None,
        "irqchip_state": hard_ims[0] if hard_ims and view["stores"][0]["pending"] else None,
        "vectors": vectors,
        "rewrite": rewrite,
        "restore": (
            {**hard_ims[0], "lose": lose} if hard_ims and view["stores"][0]["t"]["masks"] else None
        ),
        "has_request": any(v["hard"] for v in vectors)
        or any(p.dedicated or p.managed for p in device.pools),
        "has_send": bool(device.pools) or any(v["msix"] for v in vectors),
        "has_affinity": bool(view["pools"]),
        "params": [
            {"name": p["name"], "value": _test_param(device, p["name"])} for p in view["params"]
        ],
        "has_dedicated": any(p.dedicated for p in device.pools),
        "test_cookies": _test_cookie(view["pools"]),
        "pass": (
            f", {_test_param(device, view['params'][0]['name'])}"
            if view["params"] and not view["has_params"]
            else ""
        ),
    }
    suite["too_few"] = too_few(device)
    suite["cases"] = _test_cases(device, view, suite)
    includes = {"kunit/test.h", "linux/cpumask.h", "linux/interrupt.h", "linux/irq.h"}
    includes |= {"linux/irqdomain.h", "linux/module.h", "linux/msi.h", "linux/pci.h"}
    includes |= {"linux/string.h", "linux/unaligned.h", names_of(device).include.strip("<>")}
    if any(s["cookies"] for s in view["stores"]):
        includes.add("linux/iommu.h")
    if any(s["memory"] and s["rewrites"] for s in view["stores"]):
        includes |= {"linux/completion.h", "linux/kthread.h", "linux/sched.h"}
    if view["hotplug"] or view["near"]:
        includes.add("linux/cpu.h")
    if view["near"]:
        includes |= {"linux/device.h", "linux/topology.h"}
    if view["managed"] or view["hotplug"]:
        includes.add("linux/minmax.h")
    if view["subdevices"]:
        includes |= {"linux/auxiliary_bus.h", "linux/slab.h", "linux/sysfs.h", "linux/xarray.h"}
    return {"suite": suite, "suite_includes": sorted(includes), "suite_up": "../"}


def _test_cookie(pools: list[View]) -> list[View]:
    """The cookie that stands in where one is needed: one entry, or none."""
    for pool in pools:
        if any(not c["optional"] for c in pool["t"]["cookies"]):
            fields = [{"name": c["name"], "value": c["any"]} for c in pool["t"]["cookies"]]
            return [{"struct": pool["cookie"], "fields": fields}]
    return []


def _test_param(device: Device, name: str) -> str:
    for store in ims_stores(device):
        value = store_param(device, store, name)
        if value:
            return value
    if name.endswith("_queues"):
        return str(_queues(device))
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
        "msix": isinstance(device.store(v.store), PciStore),
        "masks": can_mask(device.store(v.store)),
        "request": request,
    }


def _test_pci(device: Device) -> int:
    """Messages of the fake's MSI-X table or MSI: the special ones and a few for each pool."""
    pci = {s.name for s in device.stores if isinstance(s, PciStore)}
    need = [v.index + 1 for v in device.vectors if v.store in pci]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store in pci:
                need.append(r.first + few(device, pool) if r.last is None else r.last + 1)
                # Enough by themselves, since some devices can do without their own store.
                need.append(device.minimum)
    return max(need, default=0)


def _power(count: int) -> int:
    """The power of two that is not below ``count``."""
    return 1 << (count - 1).bit_length() if count else 0


def _at_once(device: Device, store: PciStore, pci: int) -> int:
    """How many messages are allocated when the device is set up."""
    if isinstance(store, MsiStore):
        return _power(pci)
    return max((v.index + 1 for v in device.vectors if v.store == store.name), default=1)


def _test_pool(device: Device, pool: Pool, view: View, pci: int, lose: str) -> View:
    segments: list[View] = []
    base = 0
    for r, s in zip(pool.ranges, view["segments"], strict=True):
        store = device.store(r.store)
        if isinstance(store, PciStore):
            size = _power(pci) if isinstance(store, MsiStore) else pci
        else:
            size = test_slots(device, store)
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
                "is_ims": "false" if isinstance(store, PciStore) else "true",
                "dynamic": not isinstance(store, MsiStore),
                "kind": "MSI" if isinstance(store, MsiStore) else "MSI-X",
                "COUNT": "TEST_MSI" if isinstance(store, MsiStore) else "TEST_MSIX",
            }
        )
        base += last - r.first + 1
    store_model = ims_of(device, pool)
    cookies = _test_cookies(store_model) if store_model else []
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
    writes = 0
    if isinstance(store_model, IomemStore):
        writes = 3 if store_model.layout.address_hi else 2
    masks = store_model is not None and can_mask(store_model)
    at_once = {s.name: _at_once(device, s, pci) for s in device.stores if isinstance(s, PciStore)}
    static = [s for s in segments if s["is_ims"] == "false"]
    there = sum(max(0, min(s["final"] + 1, at_once[s["store"]]) - s["first"]) for s in static)
    # Of the entries in order, which are allocated only when they are handed out.
    made = [s["first"] + i >= at_once.get(s["store"], 0) for s in segments for i in range(s["nr"])]
    sharable = max(base - pool.reserve, 1)
    return {
        "nr": base,
        "sharable": sharable,
        "several": sharable > 1,
        "dynamic": base - there,
        "static": static,
        "segments": segments,
        "no_cookie": no_cookie,
        "get_nth": get_nth,
        "made": sum(made[:1]),
        "two": sum(made[:2]),
        "withhold": any(isinstance(device.store(s["store"]), MsixStore) for s in static),
        "ims": ims if pool.dedicated else None,
        "lose": lose,
        "counts": isinstance(store_model, IomemStore),
        "cookies": cookies,
        "slot_cookies": (
            cookies if pool.dedicated and not isinstance(store_model, CommandStore) else []
        ),
        "command": isinstance(store_model, CommandStore),
        "needs_cookie": needed,
        "filled": sum(s["nr"] for s in static),
        "command_index": ims["first"] if ims else 0,
        "masks": masks,
        "mask_accesses": int(masks),
        "startup": "Message and unmask" if masks else "The message alone",
        "startup_writes": writes + masks,
        "startup_reads": 1 + masks,
    }


def _test_managed(device: Device, view: View, msix: int, slots: int) -> View:
    vectors = [v.name for v in device.vectors if v.store == view["store"]]
    few = max(1, device.minimum - slots - view["first"])
    return {"queues": _queues(device), "nr": msix - view["first"], "vectors": vectors, "few": few}


def _queues(device: Device) -> int:
    """How many queues the driver of a managed pool asks for."""
    return max(TEST_QUEUES, device.minimum)


def _test_subdevice(view: View, pools: list[View]) -> None:
    """How a kind of subdevice is tried: it wants the same number of vectors from each pool."""
    by_name = {pool["name"]: pool for pool in pools}
    scarce, taken = 0, {}
    for m in view["members"]:
        pool = by_name[m["pool"]]
        there = m["maximum"] if m["shared"] else pool["t"]["nr"]
        nr = min(max(TEST_WANTED, m["minimum"]), m["maximum"], there)
        m["t"] = {
            "nr": nr,
            "most": min(m["maximum"], there),
            "spread": m["shared"] and not m["single"],
            "node": m["shared"] and m["node"],
            "no_cookie": pool["t"]["no_cookie"],
        }
        scarce += 1 if m["shared"] else nr
        taken[m["pool"]] = nr <= there // 2
    own = [m for m in view["ranges"] if not m["shared"] and m["t"]["most"] > m["minimum"]]
    view["t"] = {
        "pass": ", sub->nr" * len(view["ranges"]),
        "wanted": TEST_WANTED,
        "total": sum(m["t"]["nr"] for m in view["members"]),
        "shared_members": sum(m["shared"] for m in view["members"]),
        "scarce": scarce,
        "twice": all(taken.values()) or all(m["shared"] for m in view["members"]),
        "own": own[:1],
    }


def _test_cookies(store: ImsStore) -> list[View]:
    """Which cookies are taken and which are not, and what the device then has."""
    if isinstance(store, (IomemStore, MemoryStore)):
        return _slot_cookies(store)
    out: list[View] = []
    for c in cookies_of(store):
        good = [0, 1, c.limit // 3, c.limit if c.limit < 0xFFFFFFFF else 0xFFFFFFFE]
        bad = [c.limit + 1, 0xFFFFFFFE] if c.limit < 0xFFFFFFFF else []
        if not c.optional and bad:
            bad.append(0xFFFFFFFF)
        out.append(
            {
                "name": c.name,
                "optional": c.optional,
                "any": "1",
                "good_list": ", ".join(
                    [f"{v:#x}" for v in good] + ([invalid_cookie(c.name)] if c.optional else [])
                ),
                "bad": ", ".join(f"{v:#x}" for v in bad),
                "none": invalid_cookie(c.name),
            }
        )
    return out


def _slot_cookies(store: IomemStore | MemoryStore) -> list[View]:
    control = store.layout.control
    if not control:
        return []
    mask = control.mask
    low = bool(mask and mask.active_low)
    plain = idle(control)
    out = []
    for c in control.cookies:
        others = 0
        for other in control.cookies:
            if other is not c and other.enable_bit is not None:
                others |= 1 << other.enable_bit
        enable = 0 if c.enable_bit is None else 1 << c.enable_bit
        top = (1 << c.width) - 1
        good = [
            {"value": f"{v:#x}", "ctrl": f"{plain | others | enable | v << c.shift:#x}"}
            for v in sorted({0, 1, top // 3, top})
        ]
        bad = [top + 1, 0xFFFFFFFE]
        if c.optional:
            good.append({"value": invalid_cookie(c.name), "ctrl": f"{plain | others:#x}"})
        else:
            bad.append(0xFFFFFFFF)
        op, reset = "| TEST_MASK_BIT", f"{1 << mask.bit:#x}" if mask else ""
        if low:
            op, reset = "& ~TEST_MASK_BIT", "0"
        out.append(
            {
                "name": c.name,
                "optional": c.optional,
                "any": invalid_cookie(c.name) if c.optional else "1",
                "good": good,
                "bad": ", ".join(f"{v:#x}" for v in sorted(set(bad)) if top < v <= 0xFFFFFFFF),
                "load": "test_ctrl" if mask else "test_word",
                "mask_op": f" {op}" if mask else "",
                "ctrl_reset": reset if mask else "good[i].ctrl",
            }
        )
    return out


def _test_cases(device: Device, view: View, suite: View) -> list[str]:
    f = f"{device.name}_test"
    cases = []
    for store in view["stores"]:
        s = f"{f}_{store['name']}"
        if store["slot"]:
            cases.append(f"{s}_layout")
        if store["iomem"]:
            cases.append(f"{s}_write_accesses")
            if store["masks"]:
                cases.append(f"{s}_mask_accesses")
            elif store["vectors"]:
                cases.append(f"{s}_prepare_accesses")
            cases.append(f"{s}_reset_accesses")
            if store["rewrites"]:
                cases.append(f"{s}_write_live_accesses")
            if store["pending"]:
                cases.append(f"{s}_pending")
        if store["memory"]:
            cases += [f"{s}_pair", f"{s}_reset"]
            if store["rewrites"]:
                cases.append(f"{s}_write_live")
        if store["unmaskable"] and suite["ims_vector"]:
            cases += [f"{s}_disabled", f"{s}_not_enabled", f"{s}_restored"]
        if store["exported"] and suite["command_vector"]:
            cases += [f"{s}_told", f"{s}_disabled", f"{s}_told_again"]
        if store["command"] and suite["command_vector"]:
            cases += [f"{s}_commands", f"{s}_fails", f"{s}_reset"]
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
    if suite["irqchip_state"]:
        cases.append(f"{f}_irqchip_state")
    cases.append(f"{f}_shutdown")
    for pool, model in zip(view["pools"], plain_pools(device), strict=True):
        p = f"{f}_{model.name}"
        if model.dedicated:
            cases.append(f"{p}_order")
            cases += [f"{p}_static_{s['name']}" for s in pool["t"]["static"]]
            cases += [f"{p}_at_{s['name']}" for s in pool["t"]["segments"]]
            cases.append(f"{p}_dedicated")
        if pool["t"]["ims"]:
            cases.append(f"{p}_slots")
            if pool["t"]["counts"]:
                cases.append(f"{p}_chip_accesses")
        cases += [f"{p}_cookie_{c['name']}" for c in pool["t"]["slot_cookies"]]
        if pool["t"]["command"]:
            if model.dedicated:
                cases += [f"{p}_cookie_{c['name']}" for c in pool["t"]["cookies"]]
                cases += [f"{p}_error", f"{p}_refused"]
            if model.sharing:
                cases.append(f"{p}_shared_error")
        if model.sharing:
            if pool["t"]["several"]:
                cases.append(f"{p}_share_limit")
            cases.append(f"{p}_per_cpu")
            if pool["t"]["several"]:
                cases += [f"{p}_share_full", f"{p}_share_room"]
            cases += [f"{p}_no_space", f"{p}_dispatch"]
            if pool["least"]:
                cases.append(f"{p}_least")
                if pool["t"]["several"]:
                    cases.append(f"{p}_least_full")
            if pool["reserve"]:
                cases.append(f"{p}_reserve")
            cases.append(f"{p}_hotplug")
            if model.dedicated:
                cases.append(f"{p}_never_shared")
        if model.node:
            cases += [f"{p}_node", f"{p}_node_offline"]
    for managed in view["managed"]:
        p = f"{f}_{managed['name']}"
        cases += [f"{p}_queues", f"{p}_choice", f"{p}_fewer"]
    for sub in view["subdevices"]:
        s = f"{f}_{sub['name']}"
        cases.append(f"{s}_indexes")
        if sub["ranges"]:
            cases.append(f"{s}_bounds")
        cases.append(f"{s}_several")
        if sub["shared"]:
            cases += [f"{s}_scarce", f"{s}_no_space"]
        cases += [f"{s}_spread_{m['pool']}" for m in sub["members"] if m["t"]["spread"]]
        cases += [f"{s}_node_{m['pool']}" for m in sub["members"] if m["t"]["node"]]
        if sub["t"]["own"]:
            cases.append(f"{s}_fewer")
    cases += [f"{f}_{case['name']}" for case in suite["too_few"]]
    return cases
