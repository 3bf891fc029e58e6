"""What templates see of a message store: registers, accessors, the control word."""

from __future__ import annotations

from imsgen.dsl.model import CookieField, Device, Endian, IomemStore, MsixStore, Register

from .layout import tabs
from .names import names_of
from .targets import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Accessor suffix by width in bits, little endian.  Rule 12 wants reads of the same width.
_LITTLE = {8: "b", 16: "w", 32: "l"}

#: Column at which values of #defines start, as kernel headers have it.
_VALUE_COLUMN = 48


def dedicated_cookies(device: Device) -> bool:
    return any(
        isinstance(s, IomemStore) and s.layout.control.cookies for s in device.stores
    ) and any(p.dedicated for p in device.pools)


def _accessor(kind: str, register: Register, endian: Endian) -> str:
    if endian is Endian.BIG and register.width > 8:
        return f"io{kind}{register.width}be"
    return kind + _LITTLE[register.width]


def _type(register: Register, endian: Endian) -> str:
    if register.width == 8:
        return "u8"
    return f"__{'be' if endian is Endian.BIG else 'le'}{register.width}"


def ims_view(device: Device, store: IomemStore, target: Target, has_params: bool) -> View:
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
    cookie = f"{f}_{s}_cookie" if dedicated_cookies(device) else ""
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
        "fallback": fallback(device, store),
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
        "INVALID": invalid_cookie(c),
    }


def invalid_cookie(c: CookieField) -> str:
    return "IOMMU_PASID_INVALID" if c.name == "pasid" else "U32_MAX"


def cookie_doc(c: CookieField) -> str:
    text = f"0 to {(1 << c.width) - 1:#x}"
    return f"{text}, or {invalid_cookie(c)} for none" if c.optional else text


def fallback(device: Device, store: IomemStore) -> bool:
    """Whether the device can do without the store: each use of it has an MSI-X part too."""
    if any(v.store == store.name for v in device.vectors):
        return False
    msix = {s.name for s in device.stores if isinstance(s, MsixStore)}
    pools = [p for p in device.pools if any(r.store == store.name for r in p.ranges)]
    return bool(pools) and all(any(r.store in msix for r in p.ranges) for p in pools)


def table_view(device: Device, store: MsixStore) -> View:
    vectors = [v for v in device.vectors if v.store == store.name]
    return {
        "name": store.name,
        "PREFIX": max((v.index + 1 for v in vectors), default=1),
        "vectors": [{"name": v.name, "index": v.index} for v in vectors],
        "in_pool": any(r.store == store.name for p in device.pools for r in p.ranges),
    }
