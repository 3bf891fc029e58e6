"""What changes from one layout to another: for drivers, for the hardware, for users.

Pure: two models in, changes out, in the order of the new file.  A change is *breaking* if a driver,
a device, a platform or a user that was fine with the old layout may not be with the new one;
*compatible* if they all stay fine and something behaves otherwise; or of *texts* only.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from . import model
from .kinds import PLACES, row_of
from .model import Size
from .source import Span


class Severity(enum.Enum):
    """How much a change asks for."""

    TEXT = "text"
    COMPATIBLE = "compatible"
    BREAKING = "breaking"


class Area(enum.Enum):
    """Whom a change is for."""

    #: The functions that a driver calls, and what it passes.
    DRIVER = "driver"
    #: Registers, slots and indexes: what is read and written on the device.
    HARDWARE = "hardware"
    #: Whoever takes vectors, and the platforms that the driver works on.
    USERS = "users"
    #: Titles, purposes, maintainers.
    TEXTS = "texts"


#: What a change can be: its area and what it means.  A name keeps its meaning for ever.
RULES: dict[str, tuple[Area, str]] = {
    "device-added": (Area.DRIVER, "a device is new"),
    "device-removed": (Area.DRIVER, "a device is gone"),
    "device-renamed": (Area.DRIVER, "all functions and files of the device get another name"),
    "texts": (Area.TEXTS, "a title, a purpose or the maintainers change"),
    "path": (Area.DRIVER, "the generated files go to another folder"),
    "ids": (Area.HARDWARE, "the driver is for other PCI ids"),
    "remapping": (Area.USERS, "interrupt remapping is required, or isn't any longer"),
    "architectures": (Area.USERS, "the device exists on other architectures"),
    "minimum": (Area.USERS, "the driver needs more or fewer vectors"),
    "store-added": (Area.HARDWARE, "a store is new"),
    "store-removed": (Area.HARDWARE, "a store is gone"),
    "store-renamed": (Area.DRIVER, "the functions of a store get another name"),
    "store-kind": (Area.HARDWARE, "a store is of another kind"),
    "store-params": (Area.DRIVER, "the driver passes more or less of a store"),
    "store-place": (Area.HARDWARE, "a table or an array of bits is elsewhere"),
    "store-slots": (Area.HARDWARE, "a store has another number of slots"),
    "slot-layout": (Area.HARDWARE, "messages lie otherwise in their slots"),
    "pending": (Area.HARDWARE, "pending bits can be read, or can't any longer"),
    "cookie": (Area.DRIVER, "another value is given when a vector is taken"),
    "vector-added": (Area.DRIVER, "a special vector is new"),
    "vector-removed": (Area.DRIVER, "a special vector is gone"),
    "vector-renamed": (Area.DRIVER, "the functions of a special vector get another name"),
    "vector-moved": (Area.HARDWARE, "a special vector has another index"),
    "vector-form": (Area.DRIVER, "a special vector is an array, or the driver passes its index"),
    "vector-optional": (Area.USERS, "a special vector may be missing, or is always there"),
    "vector-context": (Area.DRIVER, "a handler runs in another context"),
    "pool-added": (Area.DRIVER, "a pool is new"),
    "pool-removed": (Area.DRIVER, "a pool is gone"),
    "pool-renamed": (Area.DRIVER, "the functions of a pool get another name"),
    "pool-smaller": (Area.USERS, "a pool loses indexes"),
    "pool-larger": (Area.USERS, "a pool gets more indexes"),
    "pool-order": (Area.USERS, "a pool prefers other ranges"),
    "pool-policy": (Area.DRIVER, "a pool gives its vectors out in another way"),
    "pool-limit": (Area.USERS, "more or fewer users share a vector"),
    "pool-reserve": (Area.USERS, "another number of vectors is kept from sharing"),
    "pool-cpus": (Area.USERS, "vectors are on other CPUs"),
    "subdevice-added": (Area.DRIVER, "a kind of subdevice is new"),
    "subdevice-removed": (Area.DRIVER, "a kind of subdevice is gone"),
    "subdevice-maximum": (Area.USERS, "there can be more or fewer subdevices"),
    "subdevice-numbers": (Area.DRIVER, "the vectors of a subdevice are numbered otherwise"),
    "subdevice-counts": (Area.USERS, "a subdevice gets more or fewer vectors"),
}


@dataclass(frozen=True)
class Change:
    """One change; ``old`` and ``new`` are where the two files say it, None where one doesn't."""

    rule: str
    severity: Severity
    device: str
    message: str
    old: Span | None
    new: Span | None

    @property
    def area(self) -> Area:
        """Whom it is for."""
        return RULES[self.rule][0]


#: What the rules below give: all of a change but the device.
_Found = Iterator[tuple[str, Severity, str, Span | None, Span | None]]
_HasStore = TypeVar("_HasStore", model.SpecialVector, model.Range)
_Named = TypeVar("_Named", model.SpecialVector, model.SharedVector, model.Pool)

_BREAKING, _COMPATIBLE, _TEXT = Severity.BREAKING, Severity.COMPATIBLE, Severity.TEXT


def compare(old: Sequence[model.Device], new: Sequence[model.Device]) -> list[Change]:
    """All changes between the devices of two files."""
    out = []
    renamed = len(old) == len(new) == 1 and old[0].name != new[0].name
    before = {(new[0].name if renamed else item.name): item for item in old}
    after = {item.name: item for item in new}
    for name, device in after.items():
        found = _device(before[name], device) if name in before else _new_device(device)
        out += [Change(rule, grade, name, text, a, b) for rule, grade, text, a, b in found]
    for name, device in before.items():
        if name not in after:
            message = f"device {name} is gone"
            out.append(Change("device-removed", _BREAKING, name, message, device.span, None))
    return out


def worst(changes: Sequence[Change]) -> Severity | None:
    """The severity of the worst of them; None without any."""
    order = list(Severity)
    return max((item.severity for item in changes), key=order.index, default=None)


def _new_device(device: model.Device) -> _Found:
    yield "device-added", _COMPATIBLE, f"device {device.name} is new", None, device.span


def _graded(better: bool) -> Severity:
    return _COMPATIBLE if better else _BREAKING


# --- devices ----------------------------------------------------------------------------------


def _device(old: model.Device, new: model.Device) -> _Found:
    if old.name != new.name:
        message = f"device {old.name} is called {new.name}"
        yield "device-renamed", _BREAKING, message, old.span, new.span
    if old.title != new.title:
        yield "texts", _TEXT, f'the title is "{new.title}"', old.span, new.span
    if old.maintainers != new.maintainers:
        yield "texts", _TEXT, "the maintainers change", old.span, new.span
    if old.path != new.path:
        where = new.path or "the usual place"
        yield "path", _COMPATIBLE, f"the files go to {where}", old.span, new.span
    yield from _ids(old, new)
    yield from _platforms(old, new)
    names = _renamed_stores(old, new)
    for was, name in names.items():
        places = old.store(was).span, new.store(name).span
        yield "store-renamed", _BREAKING, f"store {was} is called {name}", *places
    old = _with_stores(old, names)
    yield from _stores(old, new)
    yield from _vectors(old, new)
    yield from _shared(old, new)
    yield from _pools(old, new)
    yield from _subdevices(old, new)


def _ids(old: model.Device, new: model.Device) -> _Found:
    both: list[tuple[model.PciId | model.PlatformId, ...]]
    both = [(*one.ids, *one.platform_ids) for one in (old, new)]
    before, after = ({_id(item): item for item in ids} for ids in both)
    for name, item in after.items():
        if name not in before:
            yield "ids", _COMPATIBLE, f"{name} is found too", None, item.span
    for name, item in before.items():
        if name not in after:
            yield "ids", _BREAKING, f"{name} is no longer found", item.span, None


def _id(item: model.PciId | model.PlatformId) -> str:
    if isinstance(item, model.PlatformId):
        return f"{'acpi' if item.acpi else 'platform'} {item.text}"
    if item.pci_class is not None:
        return f"pci class {item.pci_class:06x}"
    return f"pci {item.vendor:04x}:{item.device:04x}"


def _platforms(old: model.Device, new: model.Device) -> _Found:
    if old.remapping != new.remapping:
        message = f"interrupt remapping is {'' if new.remapping else 'no longer '}required"
        yield "remapping", _graded(old.remapping), message, old.span, new.span
    before, after = set(old.architectures), set(new.architectures)
    if before != after:
        message = f"exists on {', '.join(new.architectures) or 'all architectures'}"
        more = not after or (bool(before) and before < after)
        yield "architectures", _graded(more), message, old.span, new.span
    if old.minimum != new.minimum:
        message = f"needs {new.minimum:,} vectors at least, {old.minimum:,} before"
        yield "minimum", _graded(new.minimum < old.minimum), message, old.span, new.span


# --- stores -----------------------------------------------------------------------------------


def _renamed_stores(old: model.Device, new: model.Device) -> dict[str, str]:
    """Stores that are there under another name: the only one of their kind that came and went."""
    before = {item.name for item in old.stores}
    after = {item.name for item in new.stores}
    out = {}
    for lost in (item for item in old.stores if item.name not in after):
        came = [i for i in new.stores if i.name not in before and type(i) is type(lost)]
        gone = [i for i in old.stores if i.name not in after and type(i) is type(lost)]
        if len(came) == len(gone) == 1:
            out[lost.name] = came[0].name
    return out


def _with_stores(device: model.Device, names: dict[str, str]) -> model.Device:
    """The device with other names of its stores."""

    def named(item: _HasStore) -> _HasStore:
        return replace(item, store=names.get(item.store, item.store))

    return replace(
        device,
        stores=tuple(replace(i, name=names.get(i.name, i.name)) for i in device.stores),
        vectors=tuple(named(item) for item in device.vectors),
        pools=tuple(replace(i, ranges=tuple(named(r) for r in i.ranges)) for i in device.pools),
    )


def _stores(old: model.Device, new: model.Device) -> _Found:
    before = {item.name: item for item in old.stores}
    after = {item.name: item for item in new.stores}
    for name, store in after.items():
        if name in before:
            yield from _store(before[name], store)
            continue
        passed = [*row_of(store).passed(store)]
        passed += ["its number of slots"] if store.slots and store.slots.runtime else []
        more = f"; the driver passes {' and '.join(passed)}" if passed else ""
        message = f"store {name} is new{more}"
        yield "store-added", _graded(not passed), message, None, store.span
    for name, store in before.items():
        if name not in after:
            yield "store-removed", _BREAKING, f"store {name} is gone", store.span, None


def _store(old: model.Store, new: model.Store) -> _Found:
    if type(old) is not type(new):
        kinds = [type(item).__name__.removesuffix("Store").lower() for item in (new, old)]
        message = f"store {new.name} is of kind {kinds[0]}, {kinds[1]} before"
        yield "store-kind", _BREAKING, message, old.span, new.span
        return
    for item in fields(new):
        yield from _PARTS[item.name](old, new)


def _have_tables(old: Any, new: Any) -> bool:
    return any(getattr(item, "tables", ()) for item in (old, new))


def _slots(old: Any, new: Any) -> _Found:
    if row_of(new).is_pci:
        most = model.largest(old), model.largest(new)
        if most[0] != most[1]:
            what = f"{most[1]:,} {row_of(new).indexes}, {most[0]:,} before"
            places = [item.slots.span if item.slots else item.span for item in (old, new)]
            message = f"store {new.name}: at most {what}"
            yield "store-slots", _graded(most[1] > most[0]), message, places[0], places[1]
    elif not _have_tables(old, new):
        yield from _size("store-slots", f"store {new.name}: slots", old.slots, new.slots)


def _size(rule: str, what: str, old: Size, new: Size) -> _Found:
    if old.runtime != new.runtime:
        message = f"{what}: the driver {'passes' if new.runtime else 'no longer passes'} the number"
        yield "store-params", _BREAKING, message, old.span, new.span
    elif not new.runtime and old.value != new.value:
        message = f"{what}: {new.value:,}, {old.value:,} before"
        yield rule, _BREAKING, message, old.span, new.span
    elif old.maximum != new.maximum:
        message = f"{what}: at most {new.maximum:,}, {old.maximum:,} before"
        yield rule, _graded(new.maximum > old.maximum), message, old.span, new.span


def _bar(old: Any, new: Any) -> _Found:
    what = f"store {new.name}"
    if None in (old.bar, new.bar) and old.bar != new.bar:
        how = "passes" if new.bar is None else "no longer passes"
        yield "store-params", _BREAKING, f"{what}: the driver {how} its BAR", old.span, new.span
    elif old.bar != new.bar:
        message = f"{what}: in BAR {new.bar}, {old.bar} before"
        yield "store-place", _BREAKING, message, old.span, new.span


def _place(word: str) -> _Parts:
    def compare(old: Any, new: Any) -> _Found:
        before, after = getattr(old, word), getattr(new, word)
        if before != after:
            message = f"store {new.name}: `{word}` is at {after:#x}, {before:#x} before"
            yield "store-place", _BREAKING, message, old.span, new.span

    return compare


def _tables(old: Any, new: Any) -> _Found:
    tables = [[(table.offset, table.slots) for table in item.tables] for item in (old, new)]
    if tables[0] != tables[1]:
        message = f"store {new.name}: its tables are elsewhere, or of other sizes"
        yield "store-place", _BREAKING, message, old.span, new.span


def _offset(old: Any, new: Any) -> _Found:
    if not _have_tables(old, new):
        yield from _size("store-place", f"store {new.name}: offset", old.offset, new.offset)


def _array(word: str) -> _Parts:
    """An array of bits; one in the store's own BAR moves with the store."""

    def compare(old: Any, new: Any) -> _Found:
        arrays: list[model.BitArray | None] = [getattr(item, word) for item in (old, new)]
        bars = [
            item.bar if item and item.bar != store.bar else None
            for item, store in zip(arrays, (old, new))
        ]
        facts = [
            (bar, item.offset, item.active_low) if item else None for bar, item in zip(bars, arrays)
        ]
        if facts[0] == facts[1]:
            return
        places = [item.span if item else None for item in arrays]
        if word == "pending" and None in facts:
            how = "" if facts[1] else "not"
            message = f"store {new.name}: pending bits can{how} be read"
            yield "pending", _COMPATIBLE, message, places[0], places[1]
        else:
            message = f"store {new.name}: `{word}` is elsewhere, or reads otherwise"
            yield "store-place", _BREAKING, message, places[0], places[1]

    return compare


def _layout(store: str, old: model.SlotLayout, new: model.SlotLayout) -> _Found:
    def breaking(what: str, before: _Spanned | None, after: _Spanned | None) -> _Found:
        places = before.span if before else None, after.span if after else None
        yield "slot-layout", _BREAKING, f"store {store}: {what}", *places

    if old.stride != new.stride:
        yield from breaking(f"{new.stride} bytes a slot, {old.stride} before", old, new)
    if old.endian != new.endian:
        yield from breaking(f"registers are {new.endian.value} endian", old, new)
    if (old.address_bits or new.address_bits) and old.address_mask != new.address_mask:
        kept = [f"{b.high}:{b.low}" if b else "all" for b in (old.address_bits, new.address_bits)]
        what = f"bits of addresses that are kept: {kept[1]}, {kept[0]} before"
        yield from breaking(what, old.address_bits or old, new.address_bits or new)
    for name in ("address_lo", "address_hi", "data"):
        yield from _register(name, getattr(old, name), getattr(new, name), breaking)
    controls = old.control, new.control
    registers = [item.register if item else None for item in controls]
    yield from _register("control", registers[0], registers[1], breaking)
    masks = [item.mask if item else None for item in controls]
    if _mask(masks[0]) != _mask(masks[1]):
        yield from breaking(f"{_mask(masks[1])}, {_mask(masks[0])} before", masks[0], masks[1])
    before, after = ({c.name: c for c in item.cookies} if item else {} for item in controls)
    yield from _cookies(store, tuple(before.values()), tuple(after.values()))
    for name, now in after.items():
        was = before.get(name)
        if was is None:
            continue
        if (was.shift, was.width, was.enable_bit) != (now.shift, now.width, now.enable_bit):
            yield from breaking(f"the field of the cookie {name} is elsewhere", was, now)
    yield from _fields(store, old.control, new.control)
    owned = [{item.name: item for item in layout.registers} for layout in (old, new)]
    for name in dict.fromkeys((*owned[0], *owned[1])):
        yield from _register(name, owned[0].get(name), owned[1].get(name), breaking)


def _fields(store: str, old: model.ControlWord | None, new: model.ControlWord | None) -> _Found:
    """What the layout, the driver and the device have in a control word."""
    fields = [{i.name: i for i in item.fields} if item else {} for item in (old, new)]
    for name in dict.fromkeys((*fields[0], *fields[1])):
        was, now = (item.get(name) for item in fields)
        if _field(was) == _field(now):
            continue
        places = was.span if was else None, now.span if now else None
        message = f"store {store}: {name} is {_field(now)}, {_field(was)} before"
        # What has no name is written as 0: a new field of the driver is, too, until it is set.
        lost = was and (now or was.value or was.use is model.FieldUse.DRIVER)
        yield "slot-layout", _graded(not (lost or (now and now.value))), message, *places


def _field(item: model.ControlField | None) -> str:
    """What a field is, in words."""
    if item is None:
        return "0"
    high = item.shift + item.width - 1
    bits = f"bits {high}:{item.shift}" if item.width > 1 else f"bit {high}"
    value = f"= {item.value:#x}" if item.use is model.FieldUse.FIXED else item.use.value
    return f"{bits} {value}"


_Spanned = (
    model.SlotLayout
    | model.AddressBits
    | model.Register
    | model.MaskBit
    | model.CookieField
    | model.CommandCookie
)
_Breaking = Callable[[str, _Spanned | None, _Spanned | None], _Found]


def _register(
    name: str, old: model.Register | None, new: model.Register | None, breaking: _Breaking
) -> _Found:
    if old is None and new is None:
        return
    if old is None or new is None:
        yield from breaking(f"`{name}` is {'new' if new else 'gone'}", old, new)
    elif (old.offset, old.width) != (new.offset, new.width):
        what = f"`{name}` is {new.width} bits at {new.offset}, {old.width} at {old.offset} before"
        yield from breaking(what, old, new)


def _mask(mask: model.MaskBit | None) -> str:
    if mask is None:
        return "no mask bit in the control word"
    return f"{'a cleared' if mask.active_low else 'a set'} bit {mask.bit} masks"


def _cookies(
    store: str,
    old: Sequence[model.Cookie],
    new: Sequence[model.Cookie],
) -> _Found:
    before = {item.name: item for item in old}
    after = {item.name: item for item in new}
    for name, item in after.items():
        what = f"store {store}: the cookie {name}"
        how = "may be given" if item.optional else "has to be given"
        if name not in before:
            yield "cookie", _graded(item.optional), f"{what} {how}", None, item.span
        elif before[name].optional != item.optional:
            places = before[name].span, item.span
            yield "cookie", _graded(item.optional), f"{what} {how}", *places
    for name, item in before.items():
        if name not in after:
            yield "cookie", _BREAKING, f"store {store}: no cookie {name}", item.span, None


def _nothing(old: Any, new: Any) -> _Found:
    yield from ()


_Parts = Callable[[Any, Any], _Found]

#: How two stores of one kind differ, by the names of what the model has of them.
_PARTS: dict[str, _Parts] = {
    "name": _nothing,
    "span": _nothing,
    "slots": _slots,
    "bar": _bar,
    "offset": _offset,
    "tables": _tables,
    "mask_bits": _array("mask_bits"),
    "pending": _array("pending"),
    "layout": lambda old, new: _layout(new.name, old.layout, new.layout),
    "cookies": lambda old, new: _cookies(new.name, old.cookies, new.cookies),
    **{word: _place(word) for word in PLACES},
}


# --- vectors and pools ------------------------------------------------------------------------


def _pairs(
    old: Sequence[_Named], new: Sequence[_Named], same: Callable[[_Named], object]
) -> list[tuple[_Named | None, _Named | None]]:
    """What belongs together: by name, else, for what has another one, by what it is."""
    before = {item.name: item for item in old}
    after = {item.name: item for item in new}
    lost = {same(item): item for item in old if item.name not in after}
    pairs: list[tuple[_Named | None, _Named | None]] = []
    for item in new:
        was = before.get(item.name) or lost.pop(same(item), None)
        pairs.append((was, item))
    taken = {id(was) for was, _ in pairs}
    return pairs + [(item, None) for item in old if id(item) not in taken]


def _come_and_gone(word: str, old: _Named | None, new: _Named | None) -> _Found:
    if old is None and new is not None:
        yield f"{word}-added", _COMPATIBLE, f"{_what(word)} {new.name} is new", None, new.span
    elif new is None and old is not None:
        yield f"{word}-removed", _BREAKING, f"{_what(word)} {old.name} is gone", old.span, None
    elif old is not None and new is not None and old.name != new.name:
        message = f"{_what(word)} {old.name} is called {new.name}"
        yield f"{word}-renamed", _BREAKING, message, old.span, new.span


def _what(word: str) -> str:
    return "special vector" if word == "vector" else word


def _vectors(old: model.Device, new: model.Device) -> _Found:
    for was, now in _pairs(old.vectors, new.vectors, lambda item: (item.store, item.index)):
        yield from _come_and_gone("vector", was, now)
        if was is None or now is None:
            continue
        places = was.span, now.span
        what = f"special vector {now.name}"
        # How many there are is the store's.
        moved = not (was.at_end and now.at_end) and was.index != now.index
        if moved or was.store != now.store:
            message = f"{what}: {now.store}[{now.index}], {was.store}[{was.index}] before"
            yield "vector-moved", _BREAKING, message, *places
        if was.context != now.context:
            message = f"{what}: the handler is {now.context.value}, {was.context.value} before"
            yield "vector-context", _BREAKING, message, *places
        if (was.count, was.runtime, was.at_end) != (now.count, now.runtime, now.at_end):
            message = f"{what}: {_form(now)}, {_form(was)} before"
            yield "vector-form", _BREAKING, message, *places
        if was.optional != now.optional:
            how = "may be missing" if now.optional else "is always there"
            yield "vector-optional", _graded(not now.optional), f"{what} {how}", *places
        if was.purpose != now.purpose:
            yield "texts", _TEXT, f'{what}: for "{now.purpose}"', *places


def _form(vector: model.SpecialVector) -> str:
    """What the driver has of a vector, or passes for it."""
    if vector.runtime:
        return "an index that the driver passes"
    if vector.at_end:
        return "the last index that there is"
    return "one vector" if vector.count is None else f"an array of {vector.count:,}"


def _shared(old: model.Device, new: model.Device) -> _Found:
    for was, now in _pairs(old.shared, new.shared, lambda item: (item.vector, item.purpose)):
        yield from _come_and_gone("vector", was, now)
        if was is None or now is None:
            continue
        places = was.span, now.span
        if was.vector != now.vector:
            message = f"special vector {now.name}: shares {now.vector}, {was.vector} before"
            yield "vector-moved", _BREAKING, message, *places
        if was.context != now.context:
            message = f"special vector {now.name}: the handler is {now.context.value}, "
            yield "vector-context", _BREAKING, f"{message}{was.context.value} before", *places
        if was.purpose != now.purpose:
            yield "texts", _TEXT, f'special vector {now.name}: for "{now.purpose}"', *places


def _pools(old: model.Device, new: model.Device) -> _Found:
    for was, now in _pairs(old.pools, new.pools, _ranges):
        yield from _come_and_gone("pool", was, now)
        if was is not None and now is not None:
            yield from _pool(was, now)


def _ranges(pool: model.Pool) -> tuple[tuple[str, int, int | None], ...]:
    return tuple((item.store, item.first, item.last) for item in pool.ranges)


def _pool(old: model.Pool, new: model.Pool) -> _Found:
    places = old.span, new.span
    what = f"pool {new.name}"
    lost, gained = _indexes(old, new), _indexes(new, old)
    if lost:
        yield "pool-smaller", _BREAKING, f"{what}: without {_shown(lost)}", *places
    if gained:
        yield "pool-larger", _COMPATIBLE, f"{what}: {_shown(gained)} too", *places
    if not (lost or gained) and _ranges(old) != _ranges(new):
        yield "pool-order", _COMPATIBLE, f"{what}: prefers other ranges", *places
    if old.purpose != new.purpose:
        yield "texts", _TEXT, f'{what}: for "{new.purpose}"', *places
    ways = [_ways(old), _ways(new)]
    for way in ways[1]:
        if way not in ways[0]:
            yield "pool-policy", _COMPATIBLE, f"{what}: {way} vectors too", *places
    for way in ways[0]:
        if way not in ways[1]:
            yield "pool-policy", _BREAKING, f"{what}: no {way} vectors any longer", *places
    if old.sharing and new.sharing and old.sharing.limit != new.sharing.limit:
        limits = new.sharing.limit, old.sharing.limit
        message = f"{what}: up to {limits[0]:,} users on a vector, {limits[1]:,} before"
        yield "pool-limit", _graded(limits[0] > limits[1]), message, *places
    if old.reserve != new.reserve:
        message = f"{what}: {new.reserve:,} vectors are never all shared, {old.reserve:,} before"
        # More of them are missing where vectors are shared, fewer where they are dedicated.
        yield "pool-reserve", _BREAKING, message, *places
    if old.node != new.node:
        where = "the CPUs of the device's node" if new.node else "any CPU"
        yield "pool-cpus", _COMPATIBLE, f"{what}: vectors are on {where}", *places


def _ways(pool: model.Pool) -> list[str]:
    """How a pool gives its vectors out."""
    out = [f"shared ({pool.sharing.policy.value})"] if pool.sharing else []
    out += ["dedicated"] if pool.dedicated else []
    return out + (["managed"] if pool.managed else [])


#: The end of a range that goes to the end of its store.
_END = model.MAX_INDEXES


def _indexes(of: model.Pool, without: model.Pool) -> list[tuple[str, int, int]]:
    """The indexes of one pool that the other hasn't, as ranges with both ends."""
    left = [
        (item.store, item.first, _END if item.last is None else item.last) for item in of.ranges
    ]
    for gone in without.ranges:
        first, last = gone.first, _END if gone.last is None else gone.last
        kept = []
        for store, low, high in left:
            if store != gone.store or last < low or high < first:
                kept.append((store, low, high))
                continue
            kept += [(store, low, first - 1)] if low < first else []
            kept += [(store, last + 1, high)] if last < high else []
        left = kept
    return left


def _shown(ranges: list[tuple[str, int, int]]) -> str:
    out = []
    for store, low, high in ranges:
        if low == high:
            out.append(f"{store}[{low}]")
        else:
            out.append(f"{store}[{low}..{'' if high == _END else high}]")
    return " and ".join(out)


# --- subdevices -------------------------------------------------------------------------------


def _subdevices(old: model.Device, new: model.Device) -> _Found:
    before = {item.name: item for item in old.subdevices}
    after = {item.name: item for item in new.subdevices}
    for name, item in after.items():
        if name in before:
            yield from _subdevice(before[name], item)
        else:
            yield "subdevice-added", _COMPATIBLE, f"subdevice {name} is new", None, item.span
    for name, item in before.items():
        if name not in after:
            yield "subdevice-removed", _BREAKING, f"subdevice {name} is gone", item.span, None


def _subdevice(old: model.Subdevice, new: model.Subdevice) -> _Found:
    what = f"subdevice {new.name}"
    if old.maximum != new.maximum:
        message = f"{what}: up to {new.maximum:,}, {old.maximum:,} before"
        better = new.maximum > old.maximum
        yield "subdevice-maximum", _graded(better), message, old.span, new.span
    kinds = [[(item.pool, item.single) for item in one.members] for one in (old, new)]
    if kinds[0] != kinds[1]:
        appended = kinds[1][: len(kinds[0])] == kinds[0]
        how = "more behind" if appended else "in another order, or of other pools"
        message = f"{what}: vectors are numbered with {how}"
        yield "subdevice-numbers", _graded(appended), message, old.span, new.span
    members = {item.pool: item for item in old.members}
    for item in new.members:
        was = members.get(item.pool)
        if was is None or was.single or item.single:
            continue
        if (was.minimum, was.maximum) != (item.minimum, item.maximum):
            counts = f"{item.minimum}..{item.maximum}, {was.minimum}..{was.maximum} before"
            message = f"{what}: {counts} vectors of {item.pool}"
            same = was.minimum == item.minimum
            yield "subdevice-counts", _graded(same), message, was.span, item.span
