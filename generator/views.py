"""What templates see of a device: finished strings, numbers and booleans.

A view knows C names and register layouts, and holds no text longer than an expression or a comment
line.  Everything that has to be computed for a template is computed here.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    MAX_MSIX,
    CommandStore,
    Context,
    Device,
    ExportedStore,
    ImsStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    PciStore,
    Pool,
    SpecialVector,
)

from .fold import tabs
from .kernel.target import Target
from .names import names_of
from .views_minimum import minimum_view
from .views_pools import (
    hotplug,
    managed_view,
    near,
    pool_view,
    queues_define,
    subdevice_view,
    subdevices_define,
)
from .views_slots import VALUE_COLUMN
from .views_stores import (
    can_fail,
    cookie_doc,
    cookies_of,
    dedicated_cookies,
    fallback,
    ims_stores,
    ims_view,
    names_no_pasid,
    slot_cookies,
    store_params,
    store_state,
    table_view,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


class Unsupported(Exception):
    """The layout is valid, but Linux (or this target) has no way to express it."""


def device_view(device: Device, target: Target) -> View:
    """Everything that the device's templates use.

    Raises :class:`Unsupported` for what the target kernel can't do: one device can have one IMS
    store, because a device has one ``MSI_SECONDARY_DOMAIN`` (include/linux/msi_api.h).
    """
    f = device.name
    stores = ims_stores(device)
    if len(stores) > 1:
        raise Unsupported(
            f"device {f}: Linux gives a device one secondary MSI domain, "
            f"so the stores {', '.join(s.name for s in stores)} can't be used at once"
        )
    _check_cookies(device, stores)
    _check_msi(device)
    params = _params(device)
    pools = [pool_view(device, pool) for pool in plain_pools(device)]
    managed = [managed_view(device, pool) for pool in device.pools if pool.managed]
    tables = [table_view(device, s) for s in device.stores if isinstance(s, PciStore)]
    for table in tables:
        table["managed"] = [pool for pool in managed if pool["store"] == table["name"]]
    has_params = len(params) > 1 or any(p["runtime"] for p in params)
    init = _init(device, params, has_params)
    ims = [ims_view(device, s, target, has_params) for s in stores]
    state = _state(device)
    return {
        "f": f,
        "title": device.title,
        "native": target.native,
        "has_alloc_at": target.has_alloc_at,
        "has_descs_guard": target.has_descs_guard,
        "zeroed_vec": target.zeroed("vec"),
        "has_params": has_params,
        "params": params,
        "has_ims": bool(stores),
        "has_commands": any(isinstance(s, CommandStore) for s in stores),
        "stores": ims,
        "headers": [s for s in ims if s["slot"]],
        "messages": [s for s in ims if not s["slot"]],
        "only_64bit": any(s["memory"] for s in ims),
        "forward": _forward(device),
        "tables": tables,
        "vectors": [vector_view(device, v) for v in device.vectors],
        "pools": pools,
        "has_pools": bool(device.pools),
        "managed": managed,
        "subdevices": [subdevice_view(device, sub, pools) for sub in device.subdevices],
        "hotplug": hotplug(device),
        "quiet_loop": bool(device.pools),
        "quiet_first": bool(device.vectors or managed),
        "architectures": _architectures(device),
        "minimum": minimum_view(device),
        "near": near(device),
        "cookies": [
            {
                "store": s.name,
                "fields": [
                    {
                        "name": c.name,
                        "tabs": tabs(f" * @{c.name}:", 16),
                        "what": cookie_doc(c),
                    }
                    for c in cookies_of(s)
                ],
            }
            for s in stores
            if cookies_of(s) and dedicated_cookies(device)
        ],
        "state": state,
        "header_defines": _header_defines(device),
        "header_includes": _header_includes(device),
        "glue_includes": _glue_includes(device),
        **init,
    }


def plain_pools(device: Device) -> list[Pool]:
    """The pools whose vectors are made on demand."""
    return [pool for pool in device.pools if not pool.managed]


def _architectures(device: Device) -> str:
    """The Kconfig dependency; empty if the device is on all of them."""
    if not device.architectures:
        return ""
    return " || ".join([*(a.upper() for a in device.architectures), "COMPILE_TEST"])


def _check_cookies(device: Device, stores: list[ImsStore]) -> None:
    """Only who gets a dedicated vector has a cookie to give (rule 30)."""
    for store in stores:
        needed = [c.name for c in cookies_of(store) if not c.optional]
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


def _check_msi(device: Device) -> None:
    """All messages of MSI are made of that of index 0, which is gone when that one is freed."""
    msi = {s.name for s in device.stores if isinstance(s, MsiStore)}
    for pool in device.pools:
        for r in pool.ranges:
            if r.store in msi and r.first == 0 and r.last != 0 and not pool.managed:
                raise Unsupported(
                    f"device {device.name}: pool {pool.name} has index 0 of MSI store {r.store}, "
                    f"whose message is that of all; give it to a vector that is freed last"
                )


def _header_defines(device: Device) -> list[View]:
    values = [
        (f"{device.name}_{s.name}_MAX_SLOTS".upper(), str(s.slots.maximum))
        for s in ims_stores(device)
    ] + [
        (f"{device.name}_{p.name}_LIMIT".upper(), str(p.sharing.limit))
        for p in device.pools
        if p.sharing
    ]
    values += [
        (queues_define(device, p), str(MAX_MSIX - p.ranges[0].first))
        for p in device.pools
        if p.managed
    ] + [(subdevices_define(device, sub), str(sub.maximum)) for sub in device.subdevices]
    return [{"name": n, "tabs": tabs(f"#define {n}", VALUE_COLUMN), "value": v} for n, v in values]


def _forward(device: Device) -> list[str]:
    """Structs that the header only points to."""
    names = {"pci_dev"}
    if device.subdevices:
        names.add("auxiliary_device")
    for store in ims_stores(device):
        if isinstance(store, (CommandStore, ExportedStore)):
            names.add(f"{device.name}_irqs")
        if isinstance(store, CommandStore):
            names.add(f"{device.name}_{store.name}_msg")
        elif isinstance(store, ExportedStore):
            names.add("msi_msg")
    return sorted(names)


def _header_includes(device: Device) -> list[str]:
    more = {
        name
        for s in ims_stores(device)
        for name, used in (
            ("mutex.h", isinstance(s, CommandStore)),
            ("spinlock.h", isinstance(s, IomemStore) and s.mask_bits),
        )
        if used
    }
    return sorted({*_pool_includes(device), *more})


def _pool_includes(device: Device) -> set[str]:
    names = {"types.h"}
    if plain_pools(device):
        names |= set("compiler.h cpumask_types.h interrupt.h mutex.h".split())
    if hotplug(device):
        names -= {"compiler.h", "cpumask_types.h"}
        names |= set(
            "array_size.h atomic.h bitops.h cache.h cpumask.h err.h list.h rculist.h rcupdate.h "
            "spinlock.h".split()
        )
    if device.subdevices or any(p.managed for p in device.pools):
        names.add("nospec.h")
    if device.subdevices:
        names.add("list.h")
    return names


def _glue_includes(device: Device) -> list[str]:
    linux = set("device.h export.h interrupt.h irq.h module.h pci.h string.h".split())
    for s in ims_stores(device):
        linux |= {"irqdomain.h", "msi.h"}
        if isinstance(s, MemoryStore) or (isinstance(s, IomemStore) and s.offset.runtime):
            linux.add("align.h")
        if isinstance(s, CommandStore):
            linux |= {"dev_printk.h", "lockdep.h", "mutex.h", "slab.h"}
        if isinstance(s, IomemStore) and s.mask_bits:
            linux |= {"io.h", "math.h", "slab.h"}
        if slot_cookies(s) and dedicated_cookies(device):
            linux.add("bitfield.h")
        if names_no_pasid(device, s):
            linux.add("iommu.h")
        if not isinstance(s, CommandStore):
            linux |= {"irqdesc.h", "spinlock.h"}
    if minimum_view(device):
        linux.add("dev_printk.h")
    if near(device):
        linux |= {"cpumask.h", "numa.h", "topology.h"}
    if hotplug(device):
        linux |= {"cpuhotplug.h", "cpumask.h", "init.h"}
    if any(p.managed for p in device.pools):
        linux |= {"minmax.h", "slab.h"}
    if device.subdevices:
        linux |= {"auxiliary_bus.h", "cpumask.h", "err.h", "list.h", "minmax.h", "mutex.h"}
    if plain_pools(device):
        linux |= {"bitmap.h", "err.h", "lockdep.h", "minmax.h", "slab.h"}
    if any(p.sharing for p in device.pools):
        linux |= {"jiffies.h", "spinlock.h"}
    if any(p.dedicated for p in device.pools):
        linux.add("nospec.h")
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

    for store in ims_stores(device):
        for p in store_params(device, store):
            decl = p.type + ("" if "(*" in p.type else p.name)
            add(p.name, decl, p.what, p.runtime)
    for pool in device.pools:
        if pool.sharing:
            add(
                f"{pool.name}_handler",
                f"irq_handler_t\t{pool.name}_handler",
                f"Handler of shared {pool.name} vectors, gets the vector as its data",
                True,
            )
        if pool.managed:
            add(
                f"{pool.name}_queues",
                f"unsigned int\t{pool.name}_queues",
                f"How many {pool.name} vectors are wanted; there may be fewer",
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
        decl = " ".join(bar["decl"].split()).replace("* ", "*")
        tail, passed = f",\n»{decl}", f", {bar['name']}"
        doc = [{"name": bar["name"], "what": bar["what"]}]
    else:
        tail, passed, doc = "", "", []
    calls = [f"{f}_{s.name}_init(irqs{passed})" for s in ims_stores(device)]
    spread = {p.ranges[0].store for p in device.pools if p.managed}
    calls += [
        f"{f}_{s.name}_init(irqs{passed if s.name in spread else ''})"
        for s in device.stores
        if isinstance(s, PciStore)
    ]
    if minimum_view(device):
        calls.append(f"{f}_irqs_enough(irqs)")
    calls += [f"{f}_{p.name}_init(irqs{', params' if p.sharing else ''})" for p in device.pools]
    returns = [" Return: 0 on success, -EINVAL when a parameter is out of range, -ENOMEM,"]
    if any(not fallback(device, s) for s in ims_stores(device)):
        returns.append("\t   -EOPNOTSUPP when the interrupt hierarchy has no support for IMS,")
    if ims_stores(device):
        returns.append("\t   -EBUSY when called again before the driver has detached,")
        returns.append("\t   -ENODEV when the interrupt domain can't be made,")
    returns.append("\t   -ENOSPC when a vector with a fixed purpose can't be had")
    if minimum_view(device):
        returns[-1] += ", or there"
        returns.append(f"\t   are fewer than {device.minimum} vectors in all stores together")
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
        if kind.endswith("*"):
            return f"{kind}{name}"
        return f"{kind}{tabs('        ' + kind, 32)}{name}"

    if plain_pools(device):
        add(
            "lock",
            "struct mutex\t\tlock",
            "Serializes making and giving back vectors",
            "Vectors are made and given back under it",
        )
    for v in device.vectors:
        add(v.name, f"unsigned int\t\t{v.name}", f"Linux interrupt number: {v.purpose}")
    for s in device.stores:
        for name, kind, what, comment in store_state(device, s):
            add(name, kind if "(*" in kind else member(kind, name), what, comment)
    for p in device.pools:
        kind = f"struct {device.name}_{p.name}_pool"
        add(p.name, member(kind, p.name), f"The {p.name} pool")
    if hotplug(device):
        add(
            "cpuhp",
            member("struct hlist_node", "cpuhp"),
            "Entry in the list of those who care for CPUs which come back",
        )
    for sub in device.subdevices:
        add(
            f"{sub.name}_list",
            member("struct list_head", f"{sub.name}_list"),
            f"The {sub.name} subdevices",
        )
        add(f"nr_{sub.name}", member("unsigned int", f"nr_{sub.name}"), "Their number")
    return out


# --- special vectors ----------------------------------------------------------------------------


def vector_view(device: Device, v: SpecialVector) -> View:
    context = {
        Context.HARD: "The handler runs in hard interrupt context.",
        Context.THREADED: "Made for request_threaded_irq().",
        Context.ONESHOT: "Made for request_threaded_irq() with IRQF_ONESHOT.",
    }[v.context]
    if isinstance(device.store(v.store), MsiStore) and v.index == 0:
        context += " Free it last: its message is that of all."
    return {
        "name": v.name,
        "purpose": v.purpose,
        "index": v.index,
        "store": v.store,
        "where": f"Index {v.index} of the {v.store} store. {context}",
        "error": f"{device.name}_{v.store}_error" if can_fail(device.store(v.store)) else "",
    }
