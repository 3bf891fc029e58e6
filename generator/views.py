"""What templates see of a device: finished strings, numbers and booleans.

A view knows C names and register layouts, and holds no text longer than an expression or a comment
line.  Everything that has to be computed for a template is computed here.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    Context,
    Device,
    IomemStore,
    MsixStore,
    SpecialVector,
)

from .layout import tabs
from .names import names_of
from .targets import Target
from .views_pools import pool_view
from .views_stores import cookie_doc, dedicated_cookies, fallback, ims_view, table_view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


#: Column at which values of #defines start, as kernel headers have it.
_VALUE_COLUMN = 48


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
    pools = [pool_view(device, pool) for pool in device.pools]
    tables = [table_view(device, s) for s in device.stores if isinstance(s, MsixStore)]
    has_params = any(p["runtime"] for p in params)
    init = _init(device, params, has_params)
    ims = [ims_view(device, s, target, has_params) for s in stores]
    state = _state(device)
    return {
        "f": f,
        "title": device.title,
        "native": target.native,
        "has_alloc_at": target.has_alloc_at,
        "has_descs_guard": target.has_descs_guard,
        "has_params": has_params,
        "params": params,
        "has_ims": bool(stores),
        "stores": ims,
        "tables": tables,
        "vectors": [vector_view(device, v) for v in device.vectors],
        "pools": pools,
        "has_pools": bool(pools),
        "cookies": [
            {
                "store": s.name,
                "fields": [
                    {
                        "name": c.name,
                        "tabs": tabs(f" * @{c.name}:", 16),
                        "what": cookie_doc(c),
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
    if dedicated_cookies(device):
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
    if any(isinstance(s, IomemStore) and not fallback(device, s) for s in device.stores):
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


# --- special vectors ----------------------------------------------------------------------------


def vector_view(device: Device, v: SpecialVector) -> View:
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
