"""What templates see of a device: finished strings, numbers and booleans.

A view knows C names and register layouts, and holds no text longer than an expression or a comment
line.  Everything that has to be computed for a template is computed here.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    Context,
    CookieField,
    Device,
    Endian,
    IomemStore,
    MsixStore,
    Pool,
    Register,
    SpecialVector,
)

from .layout import tabs
from .names import names_of
from .targets import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


#: Accessor suffix by width in bits, little endian.  Rule 12 wants reads of the same width.
_LITTLE = {8: "b", 16: "w", 32: "l"}

#: Column at which values of #defines and comments of members start, as kernel headers have it.
_VALUE_COLUMN = 48
_MEMBER_COLUMN = 24


class Unsupported(Exception):
    """The layout is valid, but Linux (or this target) has no way to express it."""


def device_view(device: Device, target: Target) -> View:
    """Everything that the device's templates use.

    Raises :class:`Unsupported` for what the target kernel can't do: one device can have one IMS
    store, because a device has one ``MSI_SECONDARY_DOMAIN`` (include/linux/msi_api.h).
    """
    f = device.name
    stores = [s for s in device.stores if isinstance(s, IomemStore)]
    if len(stores) > 1:
        raise Unsupported(
            f"device {f}: Linux gives a device one secondary MSI domain, "
            f"so the stores {', '.join(s.name for s in stores)} can't be used at once"
        )
    _check_cookies(device, stores)
    params = _params(device)
    pools = [_pool(device, pool) for pool in device.pools]
    tables = [_table(device, s) for s in device.stores if isinstance(s, MsixStore)]
    has_params = any(p["runtime"] for p in params)
    init = _init(device, params, has_params)
    ims = [_ims(device, s, target, has_params) for s in stores]
    state = _state(device)
    return {
        "f": f,
        "title": device.title,
        "native": target.native,
        "has_alloc_at": target.has_alloc_at,
        "has_params": has_params,
        "params": params,
        "has_ims": bool(stores),
        "stores": ims,
        "tables": tables,
        "vectors": [_vector(device, v) for v in device.vectors],
        "pools": pools,
        "has_pools": bool(pools),
        "cookies": [
            {
                "store": s.name,
                "fields": [
                    {
                        "name": c.name,
                        "tabs": tabs(f" * @{c.name}:", 16),
                        "what": _cookie_doc(c),
                    }
                    for c in s.layout.control.cookies
                ],
            }
            for s in stores
            if s.layout.control.cookies and any(p.dedicated for p in device.pools)
        ],
        "state": state,
        "header_defines": _header_defines(device),
        "header_includes": _header_includes(device),
        "glue_includes": _glue_includes(device),
        **init,
    }


def _check_cookies(device: Device, stores: list[IomemStore]) -> None:
    """Only who gets a dedicated vector has a cookie to give (rule 30)."""
    for store in stores:
        needed = [c.name for c in store.layout.control.cookies if not c.optional]
        if not needed:
            continue
        without = [f"vector {v.name}" for v in device.vectors if v.store == store.name] + [
            f"shared pool {p.name}"
            for p in device.pools
            if p.sharing and any(r.store == store.name for r in p.ranges)
        ]
        if without:
            raise Unsupported(
                f"device {device.name}: messages of store {store.name} need a {needed[0]}, "
                f"which {without[0]} can't give; make it optional, or use another store"
            )


def _header_defines(device: Device) -> list[View]:
    values = [
        (f"{device.name}_{s.name}_MAX_SLOTS".upper(), str(s.slots.maximum))
        for s in device.stores
        if isinstance(s, IomemStore)
    ] + [
        (f"{device.name}_{p.name}_LIMIT".upper(), str(p.sharing.limit))
        for p in device.pools
        if p.sharing
    ]
    return [{"name": n, "tabs": tabs(f"#define {n}", _VALUE_COLUMN), "value": v} for n, v in values]


def _header_includes(device: Device) -> list[str]:
    if not device.pools:
        return ["types.h"]
    if not any(p.sharing for p in device.pools):
        return ["compiler.h", "cpumask_types.h", "interrupt.h", "mutex.h", "types.h"]
    return sorted(
        "array_size.h atomic.h bitops.h cache.h cpumask.h err.h interrupt.h list.h mutex.h "
        "rculist.h rcupdate.h spinlock.h types.h".split()
    )


def _glue_includes(device: Device) -> list[str]:
    linux = {"device.h", "err.h", "export.h", "module.h", "pci.h", "string.h"}
    if any(isinstance(s, IomemStore) for s in device.stores):
        linux |= {"irq.h", "irqdomain.h", "msi.h", "align.h"}
    if _dedicated_cookies(device):
        linux |= {"bitfield.h", "iommu.h"}
    if device.pools:
        linux |= {
            "bitmap.h",
            "interrupt.h",
            "jiffies.h",
            "lockdep.h",
            "minmax.h",
            "nospec.h",
            "slab.h",
        }
    names = names_of(device)
    return sorted(
        [f"linux/{name}" for name in linux] + [names.include.strip("<>")],
    )


def _dedicated_cookies(device: Device) -> bool:
    return any(
        isinstance(s, IomemStore) and s.layout.control.cookies for s in device.stores
    ) and any(p.dedicated for p in device.pools)


# --- what the driver passes -------------------------------------------------------------------


def _params(device: Device) -> list[View]:
    out: list[View] = []

    def add(name: str, decl: str, what: str, runtime: bool) -> None:
        out.append(
            {
                "name": name,
                "decl": decl,
                "what": what,
                "tabs": tabs(f" * @{name}:", 16),
                "runtime": runtime,
            }
        )

    for store in device.stores:
        if not isinstance(store, IomemStore):
            continue
        add(
            f"bar{store.bar}",
            f"void __iomem\t*bar{store.bar}",
            f"Mapping of BAR {store.bar}",
            False,
        )
        if store.offset.runtime:
            add(
                f"{store.name}_offset",
                f"resource_size_t\t{store.name}_offset",
                f"Offset of the {store.name} store in BAR {store.bar} in bytes",
                True,
            )
        if store.slots.runtime:
            add(
                f"{store.name}_slots",
                f"unsigned int\t{store.name}_slots",
                f"Slots of the {store.name} store, at most {store.slots.maximum}",
                True,
            )
    for pool in device.pools:
        if pool.sharing:
            add(
                f"{pool.name}_handler",
                f"irq_handler_t\t{pool.name}_handler",
                f"Handler of shared {pool.name} vectors, gets the vector as its data",
                True,
            )
    return out


def _init(device: Device, params: list[View], has_params: bool) -> View:
    """How devm_*_irqs_init() takes what the driver passes, and what it calls."""
    f = device.name
    if has_params:
        tail, passed = f",\n»const struct {f}_irqs_params *params", ", params"
        doc = [{"name": "params", "what": "What only the driver knows"}]
    elif params:
        bar = params[0]
        tail, passed = f",\n»void __iomem *{bar['name']}", f", {bar['name']}"
        doc = [{"name": bar["name"], "what": bar["what"]}]
    else:
        tail, passed, doc = "", "", []
    calls = [f"{f}_{s.name}_init(irqs{passed})" for s in device.stores if isinstance(s, IomemStore)]
    calls += [f"{f}_{s.name}_init(irqs)" for s in device.stores if isinstance(s, MsixStore)]
    calls += [f"{f}_{p.name}_init(irqs{', params' if p.sharing else ''})" for p in device.pools]
    returns = [" Return: 0 on success, -EINVAL when a parameter is out of range, -ENOMEM,"]
    if any(isinstance(s, IomemStore) and not _fallback(device, s) for s in device.stores):
        returns.append("\t   -EOPNOTSUPP when the interrupt hierarchy has no support for IMS,")
    returns.append("\t   -ENOSPC when a vector with a fixed purpose can't be had")
    return {
        "init_tail": tail,
        "init_pass": passed,
        "init_doc": doc,
        "init_return": returns,
        "setup": [{"text": c, "last": c is calls[-1]} for c in calls],
        "setup_many": len(calls) > 1,
        "setup_call": f"{f}_irqs_setup(irqs{passed})" if len(calls) > 1 else calls[0],
    }


def _state(device: Device) -> list[View]:
    """Members of struct <device>_irqs."""
    out: list[View] = []

    def add(name: str, decl: str, what: str, comment: str = "") -> None:
        out.append(
            {
                "name": name,
                "decl": decl,
                "what": what,
                "tabs": tabs(f" * @{name}:", 16),
                "comment": comment,
            }
        )

    def member(kind: str, name: str) -> str:
        return f"{kind}{tabs('        ' + kind, 32)}{name}"

    if device.pools:
        add(
            "lock",
            "struct mutex\t\tlock",
            "Serializes making and giving back vectors",
            "Vectors are made and given back under it",
        )
    for v in device.vectors:
        add(v.name, f"unsigned int\t\t{v.name}", f"Linux interrupt number: {v.purpose}")
    for s in device.stores:
        if isinstance(s, IomemStore):
            kind = f"struct {device.name}_{s.name}_slot __iomem *"
            add(s.name, f"{kind}{s.name}", f"The slots of the {s.name} store")
            add(
                f"{s.name}_slots",
                member("unsigned int", f"{s.name}_slots"),
                "Their number, 0 when the store can't be used",
            )
        elif any(r.store == s.name for p in device.pools for r in p.ranges):
            add(
                f"{s.name}_static",
                member("unsigned int", f"{s.name}_static"),
                "MSI-X vectors which were allocated at once",
            )
            add(
                f"{s.name}_size",
                member("unsigned int", f"{s.name}_size"),
                "MSI-X vectors which can be used",
            )
    for p in device.pools:
        kind = f"struct {device.name}_{p.name}_pool"
        add(p.name, member(kind, p.name), f"The {p.name} pool")
    return out


# --- stores -----------------------------------------------------------------------------------


def _accessor(kind: str, register: Register, endian: Endian) -> str:
    if endian is Endian.BIG and register.width > 8:
        return f"io{kind}{register.width}be"
    return kind + _LITTLE[register.width]


def _type(register: Register, endian: Endian) -> str:
    if register.width == 8:
        return "u8"
    return f"__{'be' if endian is Endian.BIG else 'le'}{register.width}"


def _ims(device: Device, store: IomemStore, target: Target, has_params: bool) -> View:
    layout = store.layout
    control = layout.control
    f, s = device.name, store.name
    upper = f"{f}_{s}_CTRL".upper()
    mask = f"{upper}_MASK"
    names = {n.name: n for n in names_of(device).stores}[s]
    control_name = control.register.name

    defines = [(mask, f"BIT({control.mask.bit})")]
    for c in control.cookies:
        if c.enable_bit is not None:
            defines.append((f"{upper}_{c.name}_ENABLE".upper(), f"BIT({c.enable_bit})"))
        defines.append(
            (f"{upper}_{c.name}".upper(), f"GENMASK({c.shift + c.width - 1}, {c.shift})")
        )

    registers = [layout.address_lo, layout.data, control.register]
    if layout.address_hi:
        registers.append(layout.address_hi)
    ordered = sorted(registers, key=lambda r: r.offset)

    order = [layout.address_lo] + ([layout.address_hi] if layout.address_hi else [])
    order.append(layout.data)
    values = {
        layout.address_lo.name: "msg->address_lo",
        layout.data.name: "msg->data",
    }
    if layout.address_hi:
        values[layout.address_hi.name] = "msg->address_hi"

    active_low = control.mask.active_low
    remapped = device.remapping
    slots = f"params->{s}_slots" if store.slots.runtime else str(store.slots.value)
    bar = f"params->bar{store.bar}" if has_params else f"bar{store.bar}"
    if store.offset.runtime:
        base = f"{bar} + params->{s}_offset"
    else:
        base = f"{bar} + {store.offset.value:#x}" if store.offset.value else bar
    create = f"pci_create_ims_domain(irqs->pdev, &{f}_{s}_template,\n»{slots},\n»irqs)"
    if target.native:
        create += " ? 0 : -EOPNOTSUPP"
    cookie = f"{f}_{s}_cookie" if _dedicated_cookies(device) else ""
    return {
        "name": s,
        "file": names.file,
        "guard": names.guard,
        "chip": f"{f.upper()}-{s.upper()}",
        "defines": [
            {"name": n, "tabs": tabs(f"#define {n}", _VALUE_COLUMN), "value": v} for n, v in defines
        ],
        "members": _members(layout.stride, ordered, layout.endian),
        "asserts": [f"sizeof(struct {f}_{s}_slot) == {layout.stride}"]
        + [f"offsetof(struct {f}_{s}_slot, {r.name}) == {r.offset}" for r in ordered],
        "ctrl": {
            "name": control_name,
            "write": _accessor("write", control.register, layout.endian),
            "read": _accessor("read", control.register, layout.endian),
            "masked": f"ctrl & ~{mask}" if active_low else f"ctrl | {mask}",
            "reset": "0" if active_low else mask,
            "unmasked": mask if active_low else "0",
        },
        "writes": [
            {
                "name": r.name,
                "fn": _accessor("write", r, layout.endian),
                "value": values[r.name],
            }
            for r in order
        ],
        "last": {
            "name": layout.data.name,
            "read": _accessor("read", layout.data, layout.endian),
        },
        "rewrites": not remapped,
        "isolated": remapped and not target.native,
        "isolated_why": "Another function must not be able to send these messages",
        "cookie": cookie,
        "cookies": [_cookie(upper, c) for c in control.cookies],
        "base": base,
        "slots": slots,
        "create": create,
        "runtime_slots": store.slots.runtime,
        "runtime_offset": store.offset.runtime,
        "MAX": f"{f}_{s}_MAX_SLOTS".upper(),
        "align": max(r.width for r in registers) // 8,
        "fallback": _fallback(device, store),
        "vectors": [{"name": v.name, "index": v.index} for v in device.vectors if v.store == s],
    }


def _members(stride: int, ordered: list[Register], endian: Endian) -> list[View]:
    """Members of the slot's struct: the registers, and what is between and behind them."""
    out: list[View] = []
    what = {
        "address_lo": "Message address, low half",
        "address_hi": "Message address, high half",
        "data": "Message data",
        "control": "Mask bit and what else is set at allocation",
    }

    def add(name: str, kind: str, doc: str, array: int = 0) -> None:
        suffix = f"[{array}]" if array else ""
        out.append(
            {
                "name": name,
                "decl": f"{kind}\t{name}{suffix}",
                "what": doc,
                "tabs": tabs(f" * @{name}:", 16),
            }
        )

    def pad(count: int) -> None:
        number = sum(1 for m in out if m["name"].startswith("reserved"))
        add(f"reserved{number}", "u8", "Not used", count)

    at = 0
    for register in ordered:
        if register.offset > at:
            pad(register.offset - at)
        add(register.name, _type(register, endian), what[register.name])
        at = register.offset + register.width // 8
    if at < stride:
        pad(stride - at)
    return out


def _cookie(upper: str, c: CookieField) -> View:
    field = f"{upper}_{c.name}".upper()
    bits = f"FIELD_PREP({field}, cookie->{c.name})"
    if c.enable_bit is not None:
        bits = f"{field}_ENABLE |\n»{bits}"
    return {
        "name": c.name,
        "FIELD": field,
        "bits": bits,
        "optional": c.optional,
        "INVALID": _invalid(c),
    }


def _invalid(c: CookieField) -> str:
    return "IOMMU_PASID_INVALID" if c.name == "pasid" else "U32_MAX"


def _cookie_doc(c: CookieField) -> str:
    text = f"0 to {(1 << c.width) - 1:#x}"
    return f"{text}, or {_invalid(c)} for none" if c.optional else text


def _fallback(device: Device, store: IomemStore) -> bool:
    """Whether the device can do without the store: each use of it has an MSI-X part too."""
    if any(v.store == store.name for v in device.vectors):
        return False
    msix = {s.name for s in device.stores if isinstance(s, MsixStore)}
    pools = [p for p in device.pools if any(r.store == store.name for r in p.ranges)]
    return bool(pools) and all(any(r.store in msix for r in p.ranges) for p in pools)


def _table(device: Device, store: MsixStore) -> View:
    vectors = [v for v in device.vectors if v.store == store.name]
    return {
        "name": store.name,
        "PREFIX": max((v.index + 1 for v in vectors), default=1),
        "vectors": [{"name": v.name, "index": v.index} for v in vectors],
        "in_pool": any(r.store == store.name for p in device.pools for r in p.ranges),
    }


def _vector(device: Device, v: SpecialVector) -> View:
    context = {
        Context.HARD: "The handler runs in hard interrupt context.",
        Context.THREADED: "Made for request_threaded_irq().",
        Context.ONESHOT: "Made for request_threaded_irq() with IRQF_ONESHOT.",
    }[v.context]
    return {
        "name": v.name,
        "purpose": v.purpose,
        "index": v.index,
        "store": v.store,
        "where": f"Index {v.index} of the {v.store} store. {context}",
    }


# --- pools ------------------------------------------------------------------------------------


def _pool(device: Device, pool: Pool) -> View:
    f, p = device.name, pool.name
    fn = f"{f}_{p}"
    ims = [s for s in device.stores if isinstance(s, IomemStore)]
    uses_ims = [s for s in ims if any(r.store == s.name for r in pool.ranges)]
    cookie = bool(uses_ims) and bool(uses_ims[0].layout.control.cookies)
    unmasked = "0"
    if uses_ims and uses_ims[0].layout.control.mask.active_low:
        unmasked = f"{f}_{uses_ims[0].name}_CTRL_MASK".upper()
    segments = _segments(device, pool, bool(uses_ims))
    if cookie:
        dedicated = "ctrl, "
    else:
        dedicated = f"{unmasked}, " if uses_ims else ""
    cookie_name = f"{f}_{uses_ims[0].name}" if cookie else ""
    return {
        "name": p,
        "fn": fn,
        "vec": f"{fn}_vec",
        "user": f"{fn}_user",
        "cpu": f"{fn}_cpu",
        "state": f"{fn}_pool",
        "LIMIT": f"{fn}_LIMIT".upper(),
        "limit": pool.sharing.limit if pool.sharing else 0,
        "purpose": pool.purpose or "vectors which are all alike",
        "shared": pool.sharing is not None,
        "dedicated": pool.dedicated,
        "ims": bool(uses_ims),
        "cookie": f"{cookie_name}_cookie" if cookie else "",
        "cookie_ctrl": f"{cookie_name}_ctrl" if cookie else "",
        "cookie_pass": "cookie, " if cookie else "",
        "ctrl_arg": "ctrl, " if uses_ims else "",
        "ctrl_default": f"{unmasked}, " if uses_ims else "",
        "ctrl_dedicated": dedicated,
        "irq_name": f"{f}-{p}-",
        "segments": segments,
        "sum": " + ".join(f"pool->{s['count']}" for s in segments),
        "init_tail": f",\n»const struct {f}_irqs_params *params" if pool.sharing else "",
    }


def _segments(device: Device, pool: Pool, uses_ims: bool) -> list[View]:
    f = device.name
    seen: dict[str, int] = {}
    counts: list[str] = []
    out: list[View] = []
    for number, r in enumerate(pool.ranges):
        again = seen.get(r.store, 0)
        seen[r.store] = again + 1
        suffix = r.store if not again else f"{r.store}{again}"
        store = device.store(r.store)
        msix = isinstance(store, MsixStore)
        count = f"nr_{suffix}"
        index = f"entry + {r.first}" if r.first else "entry"
        if msix:
            alloc = f"{f}_{r.store}_alloc(irqs, {index}, affdesc)"
            free = f"{f}_{r.store}_free(irqs, map)"
            size = f"irqs->{r.store}_size"
        else:
            alloc = f"{f}_{r.store}_alloc(irqs, {index}, ctrl, affdesc)"
            free = "pci_ims_free_irq(irqs->pdev, map)"
            size = f"irqs->{r.store}_slots"
        last = "UINT_MAX" if r.last is None else str(r.last)
        base = "".join(f" +\n»pool->{c}" for c in counts)
        out.append(
            {
                "name": suffix,
                "store": r.store,
                "count": count,
                "tabs": tabs(f" * @{count}:", 16),
                "first": r.first,
                "last": number == len(pool.ranges) - 1,
                "index": index,
                "alloc": alloc,
                "free": free,
                "range": f"{f}_range({size}, {r.first}, {last})",
                "minus_first": f" = index - {r.first}" if r.first else " = index",
                "plus_base": base,
            }
        )
        counts.append(count)
    return out


# --- the KUnit suite --------------------------------------------------------------------------

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
            good.append({"value": _invalid(c), "ctrl": f"{idle | others:#x}"})
        else:
            bad.append(0xFFFFFFFF)
        out.append(
            {
                "name": c.name,
                "optional": c.optional,
                "any": _invalid(c) if c.optional else "1",
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
