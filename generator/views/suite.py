"""What the KUnit templates see: :class:`SuiteView`, made from the model alone.

Offsets, limits and expected values come straight from the model, not from the C that is under test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import (
    Context,
    Device,
    Member,
    Pool,
    Range,
    SharePolicy,
    SpecialVector,
    Subdevice,
)

from ..kinds import ims_of, kind_of, kinds_of, own_cookie, own_of, platform_of, shared_cookie
from ..kinds.base import Kind
from ..kinds.fake import BIR
from ..names import names_of
from .device import device_view
from .minimum import too_few
from .parts import Line
from .stores import Cookie
from .suite_stores import (
    SuiteStore,
    aligned_lines,
    fake_memory,
    needs_cookie,
    passes_cookies,
    registers_suite,
    store_size,
    store_suite,
    suffix_of,
)

#: CPU vectors of the fake machine at least: more than any case needs.
_VECTORS = 64

#: Vectors that the driver of a managed pool wants.
_QUEUES = 8

#: What is between initialisers, where a line may break.
_JOINED = ",\n»"

#: What the fake parent sends in the high half of an address.
_HIGH = 0x12345600

_CONTEXTS = {
    Context.HARD: "IRQ_LAYOUT_HARD",
    Context.THREADED: "IRQ_LAYOUT_THREADED",
    Context.ONESHOT: "IRQ_LAYOUT_ONESHOT",
}


@dataclass(frozen=True)
class SuiteVector:
    """A vector with a fixed purpose, and the initialiser of its description.

    ``number`` is an argument with a comma before, where the vector is one of an array.
    """

    name: str
    of: str
    number: str
    fails: bool
    values: str


@dataclass(frozen=True)
class SuiteShared:
    """A vector whose interrupt is another one's, which may be one of an array."""

    name: str
    vector: str
    number: str = ""


@dataclass(frozen=True)
class SuiteFewer:
    """A machine with as few vectors as the device can do with: what is there, and what isn't."""

    #: Entries of the MSI-X table and messages of MSI, 0 for as many as usual.
    msix: int
    msi: int
    there: tuple[str, ...]
    missing: tuple[str, ...]
    #: Calls that get a vector of a pool which has none.
    empty: tuple[str, ...]


@dataclass(frozen=True)
class SuitePool:
    """A pool whose vectors are made on demand."""

    name: str
    fn: str
    shared: bool
    least: bool
    get_on: str
    dedicated: bool
    fails: bool
    #: What is handed on to the driver for a cookie, with a comma.
    cookie: str
    #: A good cookie where vectors can't do without: its struct and its members.
    struct: str
    given: str
    ranges: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class SuiteManaged:
    """A pool whose vectors the kernel spreads over the CPUs."""

    name: str
    fn: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class SuiteSubdevice:
    """A kind of subdevice; each part is an initialiser of its description."""

    name: str
    fn: str
    passed: str
    parts: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class SuiteView:
    """The suite of a device."""

    f: str
    name: str
    title: str
    selects: tuple[str, ...]
    architectures: bool
    headers: tuple[str, ...]
    includes: tuple[str, ...]
    machine: tuple[Line, ...]
    #: What the driver passes: in a struct, part of which depends on the fake, or one argument.
    has_params: bool
    constants: tuple[Line, ...]
    assigned: tuple[Line, ...]
    argument: str
    device: tuple[Line, ...]
    restores: bool
    vectors: tuple[SuiteVector, ...]
    shared: tuple[SuiteShared, ...]
    #: Vectors at the last index of their stores, and these: pointers.
    ends: tuple[Line, ...]
    fewer: SuiteFewer | None
    trials: tuple[str, ...]
    stores: tuple[SuiteStore, ...]
    #: That of a platform device.
    registers: SuiteStore | None
    #: The device of the driver, what checks of it begin with, the header that is beside the glue,
    #: and what Kconfig wants beside what other suites do.
    pdev: str
    library: str
    own_header: str
    depends: str
    pools: tuple[SuitePool, ...]
    managed: tuple[SuiteManaged, ...]
    subdevices: tuple[SuiteSubdevice, ...]
    #: What the suite imports to use the glue, as the kernel writes it; empty for nothing.
    namespace: str
    #: Symbols that make needs to get to the suite's folder.
    above: tuple[str, ...]


def suite_view(device: Device, namespace: str = "", above: tuple[str, ...] = ()) -> SuiteView:
    """What the templates of the suite of ``device`` use."""
    ims = ims_of(device)
    platform = platform_of(device)
    local = names_of(device).local_header
    constants, assigned = _constants(device), _assigned(device)
    alone = len(assigned) == 1 and not constants
    has_params = not alone and bool(constants or assigned)
    argument = "&params" if has_params else assigned[0][1] if alone else ""
    trials, met = _trials(device), _met(device)
    return SuiteView(
        f=device.name,
        name=names_of(device).suite,
        title=device.title or device.name,
        selects=_selects(device),
        architectures=bool(device.architectures) or device.is_platform,
        headers=tuple(f"kunit/{name}" for name in _headers(device)),
        includes=_includes(device),
        machine=_machine(device),
        has_params=has_params,
        constants=aligned_lines(constants),
        assigned=tuple(Line(name, " ", value) for name, value in assigned),
        argument=f", {argument}" if argument else "",
        device=_device(device, bool(trials)),
        restores=bool(ims),
        vectors=tuple(one for v in device.vectors if v not in met for one in _vectors(device, v)),
        shared=(*(SuiteShared(v.name, v.vector) for v in device.shared), *met.values()),
        ends=tuple(Line(v.name, "", _store(device, v.store)) for v in device.vectors if v.at_end),
        fewer=_fewer(device),
        trials=trials,
        stores=tuple(store_suite(device, store) for store in ims),
        registers=registers_suite(device, platform) if platform else None,
        pdev="msi_layout_pdev(fake)" if platform else "fake->pdev",
        library="msi_layout" if platform else "irq_layout",
        own_header=f"../{local}" if local else "",
        depends=device_view(device).depends[-1] if platform else "",
        pools=tuple(_pool(device, pool) for pool in device.pools if not pool.managed),
        managed=tuple(_managed(device, pool) for pool in device.pools if pool.managed),
        subdevices=tuple(_subdevice(device, sub) for sub in device.subdevices),
        namespace=namespace,
        above=above,
    )


# --- what is included and selected --------------------------------------------------------------


def _headers(device: Device) -> list[str]:
    """The supporting headers, by the parts of the library that the device uses."""
    plain = any(not pool.managed for pool in device.pools)
    uses = {
        "ims_layout.h": bool(ims_of(device)),
        "irq_layout.h": True,
        "irq_layout_pool.h": plain,
        "irq_layout_set.h": bool(device.subdevices),
        "msi_layout.h": device.is_platform,
    }
    return [name for name, used in uses.items() if used] + ["test.h"]


def _selects(device: Device) -> tuple[str, ...]:
    names = [name.removesuffix(".h").upper() for name in _headers(device)[:-1]]
    return tuple(sorted(f"{name}_KUNIT" for name in names))


def _includes(device: Device) -> tuple[str, ...]:
    names = {"array_size.h", "module.h", "msi.h", "pci.h", "stddef.h"}
    fewer = _fewer(device)
    if fewer and fewer.empty:
        names.add("err.h")
    if any(pool.sharing for pool in device.pools):
        names.add("interrupt.h")
    if device.subdevices:
        names.add("auxiliary_bus.h")
    if own_of(device):
        names.add("bits.h")
    names |= {"platform_device.h"} if device.is_platform else set()
    local = names_of(device).local_header
    own = [] if local else [names_of(device).include.strip("<>")]
    return tuple(sorted([*own, *(f"linux/{name}" for name in names)]))


# --- the machine, and what the driver passes ----------------------------------------------------


def _machine(device: Device) -> tuple[Line, ...]:
    own, memory = own_of(device), fake_memory(device)
    pci = [kind for kind in kinds_of(device) if kind.machine]
    count = sum(kind.fake_size for kind in pci)
    names = {store.name for store in own}
    special = sum(v.last - v.index + 1 for v in device.vectors if v.store in names)
    lines = [("vectors", str(max(_VECTORS, 2 * (count + special))))]
    lines += [(kind.machine, str(kind.fake_size)) for kind in pci]
    if not own:
        return aligned_lines([*lines, ("bar_size", "PAGE_SIZE")])
    lines.append(("bar_size", f"{memory.size:#x}"))
    lines.append(
        ("masks_parent", "true") if device.is_platform else ("supports", "MSI_FLAG_PCI_IMS")
    )
    layouts = [store.layout for store in own if store.layout]
    if any(layout.data is None for layout in layouts):
        lines.append(("index_data", "true"))
    if all(layout.address_hi for layout in layouts):
        high = _HIGH
        for layout in layouts:
            high &= layout.address_mask >> 32
        lines.append(("address_hi", f"{high:#x}"))
    numbers: Counter[str] = Counter()
    for name, values in chain.from_iterable(fake.machine for fake in memory.stores.values()):
        lines.append((f"{name}[{numbers[name]}]", f"{{ {values} }}"))
        numbers[name] += 1
    return aligned_lines(lines)


def _constants(device: Device) -> list[tuple[str, str]]:
    """Members of the parameters that are always the same."""
    out = [pair for fake in fake_memory(device).stores.values() for pair in fake.constants]
    out += [(f"{p.name}_handler", f"test_{p.name}_handler") for p in device.pools if p.sharing]
    return out + [(f"{v.name}_index", str(i)) for v, i in _passed(device).items()]


def _passed(device: Device) -> dict[SpecialVector, int]:
    """The indexes that the driver passes: free ones, as long as there are."""
    taken = {
        (v.store, i) for v in device.vectors if not v.runtime for i in range(v.index, v.last + 1)
    }
    out = {}
    for v in (v for v in device.vectors if v.runtime):
        free = (i for i in range(v.index, -1, -1) if (v.store, i) not in taken)
        out[v] = next(free, v.index)
        taken.add((v.store, out[v]))
    return out


def _met(device: Device) -> dict[SpecialVector, SuiteShared]:
    """The vectors that have another one's index, because the driver found no free one to pass."""
    owners = {
        (v.store, i): v
        for v in device.vectors
        if not (v.runtime or v.at_end)
        for i in range(v.index, v.last + 1)
    }
    out = {}
    for v, i in _passed(device).items():
        owner = owners.setdefault((v.store, i), v)
        if owner is not v:
            number = "" if owner.count is None else f", {i - owner.index}"
            out[v] = SuiteShared(v.name, owner.name, number)
    return out


def _fewer(device: Device) -> SuiteFewer | None:
    """The machine that some optional vectors aren't on, or some pools have nothing on."""
    for kind in kinds_of(device):
        optional = [v for v in device.vectors if v.store == kind.name and v.optional]
        if not kind.machine or kind.managed:
            continue
        passed = [i + 1 for v, i in _passed(device).items() if v.store == kind.name]
        nr = max(kind.least, *passed, device.minimum, 1)
        nr = row_of(device.store(kind.name)).rounded(nr)
        there: list[str] = []
        missing: list[str] = []
        for v in optional:
            for i in _numbers(v):
                argument = "" if v.count is None else f", {i}"
                call = f"{device.name}_irq_{v.name}(run->irqs{argument})"
                (there if v.index + i < nr else missing).append(call)
        pools = [p for p in device.pools if all(_is_behind(kind, r, nr) for r in p.ranges)]
        empty = tuple(call for pool in pools for call in _gets(pool))
        if missing or empty:
            granted = {"msix": 0, "msi": 0} | {kind.machine: nr}
            return SuiteFewer(**granted, there=tuple(there), missing=tuple(missing), empty=empty)
    return None


def _is_behind(kind: Kind, r: Range, nr: int) -> bool:
    """Whether a store with NR vectors has none for a range."""
    return r.store == kind.name and r.first >= nr - bool(kind.at_end)


def _gets(pool: Pool) -> list[str]:
    """Calls of the suite that get a vector of a pool, however they are got."""
    shared = [f"test_{pool.name}_get(run->irqs, 0)"] if pool.sharing else []
    own = [f"test_{pool.name}_get_dedicated(run->irqs, NULL)"] if pool.dedicated else []
    return shared + own


def _numbers(v: SpecialVector) -> tuple[int, ...]:
    """The vectors of an array that are looked at: the first two and the last one."""
    return tuple(sorted({0, min(1, v.last - v.index), v.last - v.index}))


def _assigned(device: Device) -> list[tuple[str, str]]:
    """Those that depend on the fake device or on what is tried."""
    memory = fake_memory(device)
    out = [
        (name, f"fake->bar + {base:#x}" if base else "fake->bar")
        for name, base in memory.mapped.items()
    ]
    for store in own_of(device):
        fake = memory.stores[store.name]
        out += fake.assigned
        if fake.asks_bir:
            out.append((f"{store.name}_bir", f"asked->bir[{store.number}]"))
        if store.size.runtime:
            out.append((f"{store.name}_slots", f"asked->slots[{store.number}]"))
    out += [
        (f"{p.name}_cookie", f"asked->no_cookie ? NULL : &test_{p.name}_cookie")
        for p in device.pools
        if shared_cookie(device, p)
    ]
    out += [(f"{p.name}_queues", "asked->queues") for p in device.pools if p.managed]
    return out


def _asked(device: Device) -> dict[str, int]:
    """What a driver of the fake device passes."""
    memory = fake_memory(device)
    out: dict[str, int] = {}
    for store in own_of(device):
        fake = memory.stores[store.name]
        if fake.asks_bir:
            out[f"bir[{store.number}]"] = BIR
        if fake.offset is not None:
            out[f"offset[{store.number}]"] = fake.offset
        if store.size.runtime:
            out[f"slots[{store.number}]"] = store.fake_size
    if any(pool.managed for pool in device.pools):
        out["queues"] = max(_QUEUES, device.minimum)
    return out


def _initialiser(values: dict[str, int]) -> str:
    words = (f".{n} = {v:#x}" if "offset" in n else f".{n} = {v}" for n, v in values.items())
    return f"{{ {_JOINED.join(words)} }}"


def _trials(device: Device) -> tuple[str, ...]:
    """Machines with as many vectors as the driver needs at least, and with fewer."""
    out = []
    for few in too_few(device):
        words = [f'.name = "{few.name.replace("_", " ")}"']
        words += [f".{m.name} = {m.value}" for m in few.machine]
        asked = _asked(device)
        members = {f"{store.name}_slots": f"slots[{store.number}]" for store in own_of(device)}
        asked |= {members.get(p.name, "queues"): p.value for p in few.params}
        words += [f".asked = {_initialiser(asked)}"] if asked else []
        words += [f".ret = {few.ret}"] if few.ret != "0" else []
        out.append(",\n»".join(words))
    return tuple(out)


def _device(device: Device, trials: bool) -> tuple[Line, ...]:
    lines = [
        ("name", f'"{device.name}"'),
        ("size", f"sizeof(struct {device.name}_irqs)"),
        ("machine", "&test_machine"),
    ]
    asked = _asked(device)
    lines += [("asked", _initialiser(asked))] if asked else []
    lines += [(name, f"test_{name}") for name in ("init", "devm_init", "exit", "shutdown")]
    lines += [("restore", "test_restore")] if ims_of(device) else []
    for name, there in (("vectors", bool(device.vectors)), ("trials", trials)):
        if there:
            lines += [(name, f"test_{name}"), (f"nr_{name}", f"ARRAY_SIZE(test_{name})")]
    return aligned_lines(lines)


def _vectors(device: Device, v: SpecialVector) -> list[SuiteVector]:
    store = device.store(v.store)
    fails = kind_of(device, store).can_fail
    out = []
    for i in _numbers(v):
        name = v.name if v.count is None else f"{v.name}_{i}"
        index = _passed(device)[v] if v.runtime else v.index + i
        index = store_size(device, v.store) - 1 if v.at_end else index
        values = [f'"{name}"', f"test_irq_{name}", str(index), _CONTEXTS[v.context]]
        own = _own_store(device, v.store)
        values += [own] if own else []
        values += [f"test_irq_{name}_error"] if fails else []
        number = "" if v.count is None else f", {i}"
        out.append(SuiteVector(name, v.name, number, fails, ",\n»".join(values)))
    return out


# --- pools --------------------------------------------------------------------------------------


def _pool(device: Device, pool: Pool) -> SuitePool:
    fn = f"{device.name}_{pool.name}"
    least = pool.sharing is not None and pool.sharing.policy is SharePolicy.LEAST_LOADED
    names = {r.store for r in pool.ranges}
    stores = [store for store in ims_of(device) if store.name in names]
    own = next((store for store in stores if passes_cookies(device, store)), None)
    needed = needs_cookie(own) if own else []
    fails = any(store.can_fail for store in stores)
    lines = [
        ("name", f'"{device.name} {pool.name}"'),
        ("device", "&test_device"),
        ("pool", f"offsetof(struct {device.name}_irqs, {pool.name})"),
        ("ranges", f"test_{pool.name}_ranges"),
        ("nr_ranges", f"ARRAY_SIZE(test_{pool.name}_ranges)"),
    ]
    calls = []
    if pool.sharing:
        lines.append(("limit", str(pool.sharing.limit)))
        calls += ["get", "get_least"] if least else ["get"]
    if pool.dedicated:
        calls += ["get_dedicated", "get_at"]
    lines += [("reserve", str(pool.reserve))] if pool.reserve else []
    lines += [("node", "true")] if pool.node else []
    lines += [("cookie", f"&test_{pool.name}_cookie")] if needed else []
    lines += [("asks_cookie", "true")] if needed and pool.sharing else []
    lines += [(call, f"test_{pool.name}_{call}") for call in calls]
    lines.append(("put", f"{fn}_put"))
    lines += [(call, f"{fn}_{call}") for call in ("attach", "detach") if pool.sharing]
    lines += [(call, f"test_{pool.name}_{call}") for call in ("irq", "index")]
    lines += [("error", f"{fn}_error")] if fails else []
    return SuitePool(
        name=pool.name,
        fn=fn,
        shared=pool.sharing is not None,
        least=least,
        get_on=f"{fn}_get_on" if least else f"{fn}_get",
        dedicated=pool.dedicated,
        fails=fails,
        cookie=", cookie" if own else "",
        struct=f"{device.name}_{own.name}_cookie" if own and needed else "",
        given=", ".join(f".{name} = 1" for name in needed),
        ranges=tuple(_range(device, r) for r in pool.ranges),
        lines=aligned_lines(lines),
    )


def _last(device: Device, r: Range) -> int:
    taken = any(v.at_end and v.store == r.store for v in device.vectors)
    end = store_size(device, r.store) - 1 - taken
    return end if r.last is None else min(r.last, end)


def _range(device: Device, r: Range) -> str:
    source = f"{device.name}_{r.store}".upper()
    values = f'"{r.store}", {source}, {r.first}, {_last(device, r)}'
    own = _own_store(device, r.store)
    return f"{values}, {own}" if own else values


def _own_store(device: Device, name: str) -> str:
    """A pointer to the description of a store; empty for MSI and MSI-X."""
    own = any(kind.name == name for kind in own_of(device))
    return f"&test_store{suffix_of(device, name)}.store" if own else ""


def _store(device: Device, name: str) -> str:
    """The same, NULL for MSI and MSI-X."""
    return _own_store(device, name) or "NULL"


def _managed(device: Device, pool: Pool) -> SuiteManaged:
    first = pool.ranges[0].first
    lines = [
        ("name", f'"{device.name} {pool.name}"'),
        ("device", "&test_device"),
        ("first", str(first)),
        ("most", str(_last(device, pool.ranges[0]) - first + 1)),
    ]
    lines += [(call, f"test_{pool.name}_{call}") for call in ("nr", "irq", "affinity")]
    return SuiteManaged(pool.name, f"{device.name}_{pool.name}", aligned_lines(lines))


# --- subdevices ---------------------------------------------------------------------------------


def _subdevice(device: Device, sub: Subdevice) -> SuiteSubdevice:
    fn = f"{device.name}_{sub.name}"
    lines = [
        ("name", f'"{device.name} {sub.name}"'),
        ("device", "&test_device"),
        ("max", str(_number(device, sub))),
        ("parts", f"test_{sub.name}_parts"),
        ("nr_parts", f"ARRAY_SIZE(test_{sub.name}_parts)"),
    ]
    lines += [(call, f"test_{sub.name}_set_{call}") for call in ("init", "devm_init")]
    lines += [("exit", f"{fn}_irqs_exit"), ("nr", f"{fn}_nr"), ("irq", f"{fn}_irq")]
    return SuiteSubdevice(
        name=sub.name,
        fn=fn,
        passed=", wanted" * sum(not m.single for m in sub.members)
        + "".join(f", &test_{m.pool}_cookie" for m in sub.members if _carried(device, m)),
        parts=tuple(_part(device, fn, m) for m in sub.members),
        lines=aligned_lines(lines),
    )


def _there(device: Device, m: Member) -> int | None:
    """How many vectors of a pool subdevices of the fake device can have; None for any number."""
    pool = next(pool for pool in device.pools if pool.name == m.pool)
    if pool.sharing:
        return None
    return sum(_last(device, r) - r.first + 1 for r in pool.ranges)


def _number(device: Device, sub: Subdevice) -> int:
    """How many subdevices of a kind the fake device can have."""
    number = sub.maximum
    for m in sub.members:
        there = _there(device, m)
        if there is not None:
            number = min(number, there // m.minimum)
    return number


def _part(device: Device, fn: str, m: Member) -> str:
    there = _there(device, m)
    most = m.maximum if there is None else min(m.maximum, there)
    values = f'"{m.pool}", {m.minimum}, {most}, {fn}_{m.pool}'
    if there is None:
        values += f",\n»{fn}_{m.pool}_attach, {fn}_{m.pool}_detach"
    carried = _carried(device, m)
    if carried:
        store = _store(device, carried.store)
        values += f",\n».store = {store},\n».cookie = &test_{m.pool}_cookie"
    return values


def _carried(device: Device, m: Member) -> Cookie | None:
    """What vectors of a subdevice carry along that it gives."""
    return own_cookie(device, next(pool for pool in device.pools if pool.name == m.pool))
