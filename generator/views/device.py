"""What templates see of a device: :class:`DeviceView`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import Device, Pool
from imsgen.dsl.rules.platform import PARENTS

from ..kinds import kinds_of, shared_cookie
from ..kinds.base import Kind, Param, context
from ..kinds.ims import Ims
from ..kinds.platform import Platform
from ..names import names_of
from .minimum import Minimum, minimum_view
from .parts import Line, Member, aligned, members
from .pools import PoolView, SubdeviceView, limit_define, pool_view, subdevice_view
from .stores import Cookie, Managed, Slots, Special, StoreView


@dataclass(frozen=True)
class Step:
    """A call that sets up something: an expression."""

    call: str
    first: bool


@dataclass(frozen=True)
class Arguments:
    """How init takes what the driver passes."""

    tail: str
    passed: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Shared:
    """Another purpose of a special vector, and where its interrupt comes from in words."""

    name: str
    vector: str
    where: str


@dataclass(frozen=True)
class DeviceView:
    """A device, for all templates of its glue."""

    #: What its names begin with.
    f: str
    title: str
    depends: tuple[str, ...]
    selects: tuple[str, ...]
    header_includes: tuple[str, ...]
    includes: tuple[str, ...]
    forward: tuple[str, ...]
    defines: tuple[Line, ...]
    #: The stores that pools have vectors of: constants, and what a pool takes for them.
    sources: tuple[Line, ...]
    source_names: str
    nr_sources: int
    #: What the driver passes: in a struct, or as one argument.
    has_params: bool
    params: tuple[Member, ...]
    arguments: Arguments
    cookies: tuple[Cookie, ...]
    state: tuple[Member, ...]
    vectors: tuple[Special, ...]
    shared: tuple[Shared, ...]
    #: Whether init and shutdown go through an array of vectors.
    loops: bool
    shutdown_loops: bool
    #: IMS stores first: some parents have to know their size before MSI-X is set up. Of these,
    #: those behind a command come first: others may have the vector which tells that it is done.
    stores: tuple[StoreView, ...]
    #: The same for what is restored: those behind a command last, others may tell that it is done.
    ims: tuple[StoreView, ...]
    #: Several IMS stores, which are set up together: in the layout's order, else empty.
    setups: tuple[StoreView, ...]
    slots: tuple[Slots, ...]
    pools: tuple[PoolView, ...]
    managed: tuple[Managed, ...]
    subdevices: tuple[SubdeviceView, ...]
    minimum: Minimum | None
    #: Whether vectors are allocated without the library's help.
    own_vectors: bool
    #: Calls which set up the stores, one after the other.
    steps: tuple[Step, ...]
    #: Whether these are IMS stores and nothing else, a PCI one and nothing else, or more than that.
    single: bool
    plain: bool
    several: bool
    #: Stores whose messages can't be masked.
    unmasked: tuple[str, ...]
    #: The struct of the device and its bus in words; its header where that is beside the glue.
    parent: str
    bus: str
    own_header: str
    #: The stores of a platform device.
    registers: tuple[StoreView, ...]


def device_view(device: Device) -> DeviceView:
    """Everything that the templates of the glue use."""
    kinds = kinds_of(device)
    params = params_of(device, kinds)
    has_params = len(params) > 1 or any(p.callback or p.member for p in params)
    given = "params->" if has_params else ""
    ordered = sorted(kinds, key=lambda kind: (kind.name in _pci(device), not kind.can_fail))
    stores = tuple(kind.view(given) for kind in ordered)
    minimum = minimum_view(device)
    single = not any(store.TYPE or store.ENUM for store in stores) and minimum is None
    plain = all(store.TYPE and not store.ENUM for store in stores) and minimum is None
    names = [store.name for store in device.stores]
    own = [kind for kind in kinds if isinstance(kind, Ims)]
    layout = sorted(stores, key=lambda store: names.index(store.name))
    by_name = {v.name: v for store in stores for v in store.vectors}
    platform = {kind.name for kind in kinds if isinstance(kind, Platform)}
    registers = tuple(store for store in stores if store.name in platform)
    return DeviceView(
        f=device.name,
        title=device.title or device.name,
        depends=_depends(device, kinds),
        selects=_selects(device, kinds),
        header_includes=_header_includes(device, kinds),
        includes=_includes(device, kinds),
        forward=_forward(device, kinds),
        defines=_defines(device),
        sources=tuple(Line(s.ENUM, "", s.source) for s in layout if s.ENUM),
        source_names=",\n»".join(s.ENUM for s in layout if s.ENUM),
        nr_sources=sum(bool(kind.ENUM) for kind in kinds),
        has_params=has_params,
        params=members([(p.type, p.name, p.what) for p in params]) if has_params else (),
        arguments=_arguments(device, params, has_params),
        cookies=tuple(store.cookie for store in stores if store.cookie),
        state=members(_state(device, kinds)),
        vectors=tuple(by_name[v.name] for v in device.vectors),
        shared=tuple(
            Shared(v.name, v.vector, f"Shares that of {v.vector}, {context(v, True)}")
            for v in device.shared
        ),
        loops=any(v.array for v in _table_vectors(stores)),
        shutdown_loops=any(store.managed for store in stores)
        or any(v.array for store in stores if not store.ENUM for v in _table_vectors([store]))
        or any(v.array for store in registers for v in store.vectors),
        stores=stores,
        ims=tuple(s for s in reversed(stores) if not s.TYPE and s not in registers),
        setups=tuple(store for store in layout if not store.TYPE) if len(own) > 1 else (),
        slots=tuple(store.slots for store in stores if store.slots),
        pools=tuple(pool_view(device, pool, given) for pool in _plain(device)),
        managed=tuple(store.managed for store in stores if store.managed),
        subdevices=tuple(subdevice_view(device, sub) for sub in device.subdevices),
        minimum=minimum,
        own_vectors=bool(registers)
        or any(store.TYPE and (store.at_end or not store.ENUM) for store in stores),
        steps=tuple(
            Step(call, number == 0) for number, call in enumerate(_setup(kinds, own, given))
        ),
        single=single,
        plain=plain,
        several=not (single or plain),
        unmasked=tuple(kind.name for kind in kinds if not kind.masks),
        parent="platform_device" if device.is_platform else "pci_dev",
        bus="platform" if device.is_platform else "PCI",
        own_header=names_of(device).local_header,
        registers=registers,
    )


# --- parts ----------------------------------------------------------------------------------------


def _setup(kinds: Sequence[Kind], own: Sequence[Ims], given: str) -> list[str]:
    """Calls which set up the stores: those of OWN together, they have one domain (rule 48)."""
    if len(own) > 1:
        calls = ["pci_ims_init_all(pdev, setups, ARRAY_SIZE(setups))"]
        calls += [call for store in own for call in store.fixed_calls]
    else:
        calls = [call for store in own for call in store.setup(given)]
    return calls + [call for kind in kinds if kind not in own for call in kind.setup(given)]


def _table_vectors(stores: Sequence[StoreView]) -> list[Special]:
    """The special vectors of what the PCI core has."""
    return [v for store in stores if store.TYPE for v in store.vectors]


def _plain(device: Device) -> list[Pool]:
    """The pools whose vectors are made on demand."""
    return [pool for pool in device.pools if not pool.managed]


def _pci(device: Device) -> set[str]:
    return {store.name for store in device.stores if not row_of(store).is_ims}


#: Kconfig symbols of architectures that aren't their names.
_SYMBOLS = {"powerpc": "PPC"}


def _depends(device: Device, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    out = ["GENERIC_MSI_IRQ" if device.is_platform else "PCI_MSI"]
    out += dict.fromkeys(name for kind in kinds for name in kind.depends)
    architectures = device.architectures or (PARENTS if device.is_platform else ())
    if architectures:
        symbols = (_SYMBOLS.get(a, a.upper()) for a in architectures)
        out.append(" || ".join([*symbols, "COMPILE_TEST"]))
    return tuple(out)


def _selects(device: Device, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    names = {name for kind in kinds for name in kind.selects}
    return tuple(sorted(names | {"IRQ_VECSET"} if device.subdevices else names))


def _header_includes(device: Device, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    names = {name for kind in kinds for name in kind.header_includes}
    names |= {"irq_vecset.h"} if device.subdevices else set()
    # The others include it.
    names -= {"irq_vecpool.h"} if len(names) > 1 else set()
    arrays = any(v.count is not None for v in device.vectors)
    return tuple(sorted(names | {"array_size.h"} if arrays else names))


def _includes(device: Device, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    linux = {"module.h"} | (set() if device.is_platform else {"pci.h"})
    linux -= {name for kind in kinds for name in kind.header_includes}
    linux |= {name for kind in kinds for name in kind.includes}
    managed = {r.store for pool in device.pools if pool.managed for r in pool.ranges}
    if any(v.runtime and v.store not in managed for v in device.vectors):
        linux.add("minmax.h")
    if not names_of(device).local_header:
        linux |= {f"irqchip/{names_of(device).include.strip('<>').rpartition('/')[2]}"}
    cookies = [kind.cookie for kind in kinds if kind.cookie]
    if any(part.FIELD for cookie in cookies for part in cookie.parts):
        linux.add("bitfield.h")
    parts = [part for cookie in cookies for part in cookie.parts if part.FIELD]
    if any(part.optional and part.name == "pasid" for part in parts):
        linux.add("iommu.h")
    if device.subdevices:
        linux.add("auxiliary_bus.h")
    if any(not member.single for sub in device.subdevices for member in sub.members):
        linux.add("minmax.h")
    return tuple(sorted(f"linux/{name}" for name in linux))


def _forward(device: Device, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    """Structs that the header only points to, and no header of the library declares."""
    if device.is_platform:
        return ("platform_device",)
    return () if any(kind.header_includes for kind in kinds) else ("pci_dev",)


def _defines(device: Device) -> tuple[Line, ...]:
    limits = [(limit_define(device, p), str(p.sharing.limit)) for p in device.pools if p.sharing]
    return aligned(limits, "#define ")


def params_of(device: Device, kinds: tuple[Kind, ...]) -> list[Param]:
    """What the driver passes for stores and pools, each once."""
    out = {p.name: p for kind in kinds for p in kind.params}
    for pool in device.pools:
        if pool.sharing:
            what = f"Handler of shared {pool.name} vectors, gets the vector as its data"
            name = f"{pool.name}_handler"
            out[name] = Param(name, "irq_handler_t", what, True)
        cookie = shared_cookie(device, pool)
        if cookie:
            what = f"What shared {pool.name} vectors carry along{cookie.stays}"
            name = f"{pool.name}_cookie"
            out[name] = Param(name, f"const struct {cookie.struct} *", what, member=True)
        if pool.managed:
            what = f"How many {pool.name} vectors are wanted; there may be fewer"
            name = f"{pool.name}_queues"
            out[name] = Param(name, "unsigned int", what)
    return list(out.values())


def _arguments(device: Device, params: list[Param], has_params: bool) -> Arguments:
    if has_params:
        what = "What only the driver knows"
        tail = f",\n»const struct {device.name}_irqs_params *params"
        return Arguments(tail, ", params", (Line("params", "\t", what),))
    if params:
        only = params[0]
        decl = only.type + ("" if only.type.endswith("*") else " ") + only.name
        return Arguments(f",\n»{decl}", f", {only.name}", (Line(only.name, "\t", only.what),))
    return Arguments("", "", ())


def _state(device: Device, kinds: tuple[Kind, ...]) -> list[tuple[str, str, str]]:
    """Members of struct <device>_irqs."""
    what = ("platform_device", "platform") if device.is_platform else ("pci_dev", "PCI")
    text = f"The {what[1]} device, NULL while they are not set up"
    out = [(f"struct {what[0]} *", "pdev", text)]
    for v in device.vectors:
        name = v.name if v.count is None else f"{v.name}[{v.count}]"
        number = "Linux interrupt number" + ("" if v.count is None else "s")
        out.append(("unsigned int", name, f"{number}: {v.purpose or v.name}"))
    out += [member for kind in kinds for member in kind.members]
    out += [
        ("struct irq_vecpool", p.name, f"The {p.name} pool: {p.purpose or 'all alike'}")
        for p in _plain(device)
    ]
    out += [
        ("struct irq_vecset_group *", sub.name, f"The {sub.name} subdevices")
        for sub in device.subdevices
    ]
    return out
