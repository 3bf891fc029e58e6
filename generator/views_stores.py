"""What templates see of a message store: its kind, cookies, what the driver passes, its state.

Pools see a store only by what is uniform: :func:`cookie_word` and :func:`can_fail` say how its
vectors are allocated.
"""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import (
    CommandStore,
    CookieField,
    Device,
    ExportedStore,
    ImsStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    MsixStore,
    PciStore,
    Pool,
    Store,
)

from .layout import tabs
from .targets import Target
from .views_slots import iomem_view, memory_view, slot_masks, slot_view, unmasked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Widest PASID that PCI knows (rule 30).
_PASID = 0xFFFFF


def ims_stores(device: Device) -> list[ImsStore]:
    """The stores that need a domain of their own."""
    return [s for s in device.stores if isinstance(s, ImsStore)]


def ims_of(device: Device, pool: Pool) -> ImsStore | None:
    """The store of a pool that needs a domain of its own; Linux lets a device have one."""
    names = {r.store for r in pool.ranges}
    return next((s for s in ims_stores(device) if s.name in names), None)


def in_pool(device: Device, store: Store) -> bool:
    """Whether a pool has vectors of the store."""
    return any(in_ranges(p, store) for p in device.pools)


def in_ranges(pool: Pool, store: Store) -> bool:
    """Whether the pool has vectors of the store."""
    return any(r.store == store.name for r in pool.ranges)


# --- cookies ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cookie:
    """A cookie that messages of a store carry; ``limit`` is the highest valid one."""

    name: str
    optional: bool
    limit: int


@dataclass(frozen=True)
class Word:
    """What a vector's allocation takes for its cookie: declaration, arguments with a comma.

    All three are empty for a store that takes nothing.
    """

    decl: str
    argument: str
    default: str


def cookies_of(store: Store) -> tuple[Cookie, ...]:
    """The cookies of any store."""
    if isinstance(store, CommandStore):
        return tuple(
            Cookie(c.name, c.optional, _PASID if c.name == "pasid" else 0xFFFFFFFF)
            for c in store.cookies
        )
    return tuple(Cookie(c.name, c.optional, (1 << c.width) - 1) for c in slot_cookies(store))


def slot_cookies(store: Store) -> tuple[CookieField, ...]:
    """The cookies in the control word, if the store has one."""
    if isinstance(store, (IomemStore, MemoryStore)) and store.layout.control:
        return store.layout.control.cookies
    return ()


def dedicated_cookies(device: Device) -> bool:
    """Whether somebody can give a cookie: only who gets a dedicated vector can."""
    return any(cookies_of(s) for s in device.stores) and any(p.dedicated for p in device.pools)


def cookie_word(device: Device, store: Store) -> Word:
    """How ``<device>_<store>_alloc()`` takes the cookie."""
    if isinstance(store, (IomemStore, MemoryStore)) and store.layout.control:
        return Word("u32 ctrl", "ctrl, ", f"{unmasked(device, store)}, ")
    if isinstance(store, CommandStore) and store.cookies and dedicated_cookies(device):
        return Word(f"const struct {device.name}_{store.name}_cookie *ctrl", "ctrl, ", "NULL, ")
    return Word("", "", "")


def invalid_cookie(name: str) -> str:
    """What stands for no cookie."""
    return "IOMMU_PASID_INVALID" if name == "pasid" else "U32_MAX"


def names_no_pasid(device: Device, store: Store) -> bool:
    """Whether the code for a store says ``IOMMU_PASID_INVALID``."""
    pasids = [c for c in cookies_of(store) if c.name == "pasid"]
    if isinstance(store, CommandStore):
        return bool(pasids)
    return dedicated_cookies(device) and any(c.optional for c in pasids)


def cookie_doc(c: Cookie) -> str:
    """The range of a cookie, in words."""
    if c.limit == 0xFFFFFFFF:
        text = "Any number" if not c.optional else "Any other number"
    else:
        text = f"0 to {c.limit:#x}"
    return f"{text}, or {invalid_cookie(c.name)} for none" if c.optional else text


def can_mask(store: Store) -> bool:
    """Whether messages can be kept from being sent; else remapping is required (rule 7)."""
    if isinstance(store, (IomemStore, MemoryStore)):
        return slot_masks(store)
    return not isinstance(store, ExportedStore)


def can_fail(store: Store) -> bool:
    """Whether a vector can fail when its interrupt is requested, without request_irq() failing.

    Then ``<device>_<store>_error(irqs, index)`` tells why.
    """
    return isinstance(store, CommandStore)


@dataclass(frozen=True)
class Calls:
    """How a pool gets vectors of a store: expressions."""

    alloc: str
    free: str
    size: str
    error: str


def segment_calls(device: Device, store: Store, index: str) -> Calls:
    """How to allocate and free the vector at ``index``, how many there are, what failed."""
    fn = f"{device.name}_{store.name}"
    if isinstance(store, PciStore):
        return Calls(
            f"{fn}_alloc(irqs, {index}, affdesc)",
            f"{fn}_free(irqs, map)",
            f"irqs->{store.name}_size",
            "0",
        )
    return Calls(
        f"{fn}_alloc(irqs, {index}, {cookie_word(device, store).argument}affdesc)",
        "pci_ims_free_irq(irqs->pdev, map)",
        f"irqs->{store.name}_slots",
        f"{fn}_error(irqs, {index})" if can_fail(store) else "0",
    )


# --- what the driver passes, what is kept -------------------------------------------------------


@dataclass(frozen=True)
class Param:
    """What the driver passes: a member of the params, or an argument if it is the only one."""

    name: str
    type: str
    what: str
    runtime: bool


def store_params(device: Device, store: ImsStore) -> list[Param]:
    """What the driver has to pass for a store."""
    f, s = device.name, store.name
    out: list[Param] = []
    if isinstance(store, IomemStore):
        more = [bits.bar for bits in (store.mask_bits, store.pending) if bits]
        for bar in dict.fromkeys([store.bar, *more]):
            out.append(Param(f"bar{bar}", "void __iomem\t*", f"Mapping of BAR {bar}", False))
        if store.offset.runtime:
            what = f"Offset of the {s} store in BAR {store.bar} in bytes"
            out.append(Param(f"{s}_offset", "resource_size_t\t", what, True))
    elif isinstance(store, MemoryStore):
        out.append(Param(s, "void\t\t*", f"The {s} store: coherent memory, 8-byte aligned", False))
    if store.slots.runtime:
        what = f"Slots of the {s} store, at most {store.slots.maximum}"
        out.append(Param(f"{s}_slots", "unsigned int\t", what, True))
    if isinstance(store, CommandStore):
        kind = f"int\t\t(*{s}_command)(struct {f}_irqs *irqs,\n»const struct {f}_{s}_msg *msg)"
        out.append(Param(f"{s}_command", kind, "Puts a message into effect; may sleep", True))
    if isinstance(store, ExportedStore):
        kind = (
            f"void\t\t(*{s}_changed)(struct {f}_irqs *irqs,\n»unsigned int index,\n"
            f"»const struct msi_msg *msg)"
        )
        out.append(Param(f"{s}_changed", kind, "Told of each change of a message; atomic", True))
    return out


def store_state(device: Device, store: Store) -> list[tuple[str, str, str, str]]:
    """Members of struct <device>_irqs for a store: name, type, what it is, a comment."""
    f, s = device.name, store.name
    out: list[tuple[str, str, str, str]] = []
    if isinstance(store, PciStore):
        if not any(in_ranges(p, store) for p in device.pools if not p.managed):
            return []
        kind = "MSI-X" if isinstance(store, MsixStore) else "MSI"
        if isinstance(store, MsixStore):
            out.append(
                (f"{s}_static", "unsigned int", "MSI-X vectors which were allocated at once", "")
            )
        out.append((f"{s}_size", "unsigned int", f"{kind} vectors which can be used", ""))
        return out
    slot = f"struct {f}_{s}_slot"
    if isinstance(store, IomemStore):
        if store.tables:
            out.append((s, "void __iomem *", f"BAR {store.bar}, where the {s} store is", ""))
        else:
            out.append((s, f"{slot} __iomem *", f"The slots of the {s} store", ""))
    elif isinstance(store, MemoryStore):
        out.append((s, f"{slot} *", f"The slots of the {s} store", ""))
    elif isinstance(store, CommandStore):
        out.append((s, f"struct {f}_{s}_shadow *", f"The messages of the {s} store", ""))
    out.append((f"{s}_slots", "unsigned int", "Their number, 0 when the store can't be used", ""))
    if isinstance(store, IomemStore) and store.mask_bits:
        out.append((f"{s}_mask_bits", "void __iomem *", "Their mask bits", ""))
        out.append((f"{s}_masks", "u32 *", "What is in the mask bits", ""))
        what = "Protects both"
        out.append((f"{s}_mask_lock", "raw_spinlock_t", what, "Protects the mask bits"))
    if isinstance(store, IomemStore) and store.pending:
        out.append((f"{s}_pending", "void __iomem *", "Their pending bits", ""))
    if isinstance(store, CommandStore):
        what = "Held by who changes messages, until the device has them"
        out.append((f"{s}_lock", "struct mutex", what, "Serializes device commands"))
        out.append((f"{s}_failed", "unsigned long", "Device commands which failed", ""))
    if isinstance(store, (CommandStore, ExportedStore)):
        param = store_params(device, store)[-1]
        out.append((param.name, param.type, param.what, ""))
    return out


# --- stores with a domain of their own ----------------------------------------------------------


def ims_view(device: Device, store: ImsStore, target: Target, has_params: bool) -> View:
    """What all kinds have, and what is particular to one."""
    f, s = device.name, store.name
    slots = f"params->{s}_slots" if store.slots.runtime else str(store.slots.value)
    create = f"pci_create_ims_domain(irqs->pdev, &{f}_{s}_template,\n»{slots},\n»irqs)"
    if target.native:
        create += " ? 0 : -EOPNOTSUPP"
    word = cookie_word(device, store)
    cookie = f"{f}_{s}_cookie" if cookies_of(store) and dedicated_cookies(device) else ""
    # A parent without remapping could rewrite a message where no command can be issued (rule 25)
    isolated = device.remapping and (not target.native or isinstance(store, CommandStore))
    view: View = {
        "name": s,
        "iomem": isinstance(store, IomemStore),
        "memory": isinstance(store, MemoryStore),
        "slot": isinstance(store, (IomemStore, MemoryStore)),
        "command": isinstance(store, CommandStore),
        "exported": isinstance(store, ExportedStore),
        "masks": can_mask(store),
        "unmaskable": False,
        "chip": f"{f.upper()}-{s.upper()}",
        "isolated": isolated,
        "isolated_why": "Another function must not be able to send these messages",
        "cookie": cookie,
        "word": word.decl,
        "icookie": word.decl == "u32 ctrl",
        "word_param": f",\n»{word.decl}" if word.decl else "",
        "word_tail": ", ctrl" if word.decl else "",
        "slot_cookie": bool(cookie) and isinstance(store, (IomemStore, MemoryStore)),
        "restore_args": "irqs, desc" if isinstance(store, ExportedStore) else "desc",
        "instead": "MSI" if any(isinstance(s, MsiStore) for s in device.stores) else "MSI-X",
        "words": f"DIV_ROUND_UP({slots}, 32)",
        "cookies": [_cookie(f"{f}_{s}_CTRL".upper(), c) for c in slot_cookies(store)],
        "slots": slots,
        "create": create,
        "runtime_slots": store.slots.runtime,
        "runtime_offset": isinstance(store, IomemStore) and store.offset.runtime,
        "MAX": f"{f}_{s}_MAX_SLOTS".upper(),
        "fallback": fallback(device, store),
        "vectors": [
            {"name": v.name, "index": v.index, "word": word.default}
            for v in device.vectors
            if v.store == s
        ],
        "bits": None,
        "pending": None,
        "needs_irqs": True,
        "rewrites": False,
        "ctrl": None,
        "set_ctrl": None,
        "frees": [],
    }
    if isinstance(store, (IomemStore, MemoryStore)):
        view |= slot_view(device, store)
        view["unmasked"] = unmasked(device, store)
        if isinstance(store, IomemStore):
            view |= iomem_view(device, store, has_params)
            view["frees"] = [f"{s}_masks"] if store.mask_bits else []
        else:
            view |= memory_view(device, store, has_params)
    elif isinstance(store, CommandStore):
        view["frees"] = [s]
        view["cookies"] = [
            {
                "name": c.name,
                "optional": c.optional,
                "tabs": tabs(f" * @{c.name}:", 16),
                "INVALID": invalid_cookie(c.name),
                "none": f", or {invalid_cookie(c.name)} for none" if c.optional else "",
                "LIMIT": f"{c.limit:#x}" if c.limit < 0xFFFFFFFF else "",
                "set": (
                    f"ctrl ? ctrl->{c.name} : {invalid_cookie(c.name)}"
                    if word.decl
                    else invalid_cookie(c.name)
                ),
            }
            for c in cookies_of(store)
        ]
    return view


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
        "INVALID": invalid_cookie(c.name),
    }


def fallback(device: Device, store: ImsStore) -> bool:
    """Whether the device can do without the store: each use of it has a PCI part too."""
    if any(v.store == store.name for v in device.vectors):
        return False
    pci = {s.name for s in device.stores if isinstance(s, PciStore)}
    pools = [p for p in device.pools if any(r.store == store.name for r in p.ranges)]
    return bool(pools) and all(any(r.store in pci for r in p.ranges) for p in pools)


# --- stores that the PCI core manages -----------------------------------------------------------


def table_view(device: Device, store: PciStore) -> View:
    """A function's MSI-X table or MSI capability."""
    vectors = [v for v in device.vectors if v.store == store.name]
    msi = isinstance(store, MsiStore)
    prefix = max((v.index + 1 for v in vectors), default=1)
    return {
        "name": store.name,
        "msi": msi,
        "PREFIX": prefix,
        "wanted": "size" if in_pool(device, store) else prefix,
        "vectors": [{"name": v.name, "index": v.index} for v in vectors],
        "TYPE": "PCI_IRQ_MSI" if msi else "PCI_IRQ_MSIX",
        "in_pool": in_pool(device, store),
    }
