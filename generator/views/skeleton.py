"""What templates see of a driver to start from: :class:`SkeletonView`.

Its interrupts are those of the layout.  What no layout says is made up, and stands at its top:
registers, and how many queues there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import (
    Context,
    Device,
    PciId,
    Pool,
    SharedVector,
    SharePolicy,
    SpecialVector,
    Subdevice,
)

from ..kinds import kind_of, kinds_of, own_cookie, shared_cookie
from ..kinds.base import Kind
from ..kinds.made import OFFSET, SLOTS, StoreCode
from ..names import names_of
from .device import params_of
from .parts import Line, Member, aligned, members
from .stores import Cookie

#: Queues that share vectors, that have one of their own, and those of a subdevice.
SHARED, OWN, WANTED = 6, 2, 4

#: Subdevices of a kind whose registers there is room for.
ROOM = 8


@dataclass(frozen=True)
class Opens:
    """Queues ``first`` to before ``end`` that are opened by a function."""

    fn: str
    first: str
    end: str


@dataclass(frozen=True)
class Queues:
    """The queues of a pool: those of the function itself, and what they have in common."""

    name: str
    fn: str
    purpose: str
    title: str
    members: tuple[Member, ...]
    #: Whether vectors are shared, have one owner, or are spread by the kernel.
    shared: bool
    owned: bool
    managed: bool
    #: How many the function itself has, which is nothing where subdevices have them.
    NR: str
    #: How many of them share vectors, and how many have one of their own; managed ones are neither.
    nr_shared: int
    nr_own: int
    opens: tuple[Opens, ...]
    joins: bool
    opens_own: bool
    #: The register that has the index; of managed ones, the index.
    VECTOR: str
    index: str
    #: The stores behind the first one, each with the bit of the register that says it.
    others: tuple[Line, ...]
    #: Where a shared vector is wanted: an expression.
    where: str
    cookie: str
    cookies: tuple[Line, ...]
    can_fail: bool


@dataclass(frozen=True)
class Fixed:
    """A vector with a fixed purpose, and how its interrupt is requested."""

    name: str
    fn: str
    purpose: str
    title: str
    request: str
    threaded: bool
    flags: str
    can_fail: bool
    #: Its number in an array, with a comma before, and what encloses the request.
    number: str
    opens: str


@dataclass(frozen=True)
class Part:
    """What a subdevice has of a pool."""

    pool: str
    pool_fn: str
    fn: str
    title: str
    NR: str
    nr: int
    VECTOR: str
    shared: bool
    several: bool
    #: What its vectors carry along: the struct, empty for nothing, and its members.
    cookie: str
    cookies: tuple[Line, ...]


@dataclass(frozen=True)
class SubdeviceCode:
    """A kind of subdevice and its driver."""

    name: str
    fn: str
    members: tuple[Member, ...]
    parts: tuple[Part, ...]
    #: How many vectors are wanted: arguments, each with a comma before.
    wanted: str
    shared: bool
    #: What a failed registration leads to.
    undo: str


@dataclass(frozen=True)
class Carried:
    """A cookie that does not change: its struct, its name and its members."""

    struct: str
    name: str
    parts: tuple[Line, ...]


@dataclass(frozen=True)
class SkeletonView:
    """A driver for one layout."""

    title: str
    includes: tuple[str, ...]
    numbers: tuple[Line, ...]
    registers: tuple[Line, ...]
    ENABLE: str
    #: The BAR of the registers, how many bytes of it are used, and the mask of all that are mapped.
    bar: int
    used: int
    bars: str
    members: tuple[Member, ...]
    stores: tuple[StoreCode, ...]
    vectors: tuple[Fixed, ...]
    queues: tuple[Queues, ...]
    managed: tuple[Queues, ...]
    subdevices: tuple[SubdeviceCode, ...]
    backwards: tuple[SubdeviceCode, ...]
    undo: str
    #: What shared vectors carry along.
    carried: tuple[Carried, ...]
    #: Whether the function itself has queues, requests interrupts in a loop, and does so at all.
    counts: bool
    request_counts: bool
    requests: bool
    #: What is passed to init: initialisers, what is known later, and the argument.
    constants: tuple[Line, ...]
    late: tuple[Line, ...]
    passed: str
    ids: tuple[str, ...]


def skeleton_view(device: Device, base: int = 0) -> SkeletonView:
    """Everything that the templates of a driver use.

    ``base`` is the offset of its first register; where that is taken by the layout, another one.
    """
    maker = _Maker(device, base)
    queues = tuple(maker.queues(pool) for pool in device.pools)
    subdevices = tuple(maker.subdevice(number) for number in range(len(device.subdevices)))
    stores = tuple(maker.store(kind) for kind in maker.kinds)
    passed = maker.passed()
    if maker.overlaps:
        return skeleton_view(device, maker.behind)
    # What isn't known before the device is set up: its parts, and the number of CPUs.
    late = [(n, v) for n, v in passed if "[" in v or "->" in v or v == "queues"]
    constants = [pair for pair in passed if pair not in late]
    params = params_of(device, maker.kinds)
    many = len(passed) > 1 or any(param.callback or param.member for param in params)
    own = any(queue.NR for queue in queues)
    return SkeletonView(
        title=maker.title,
        includes=maker.includes(own),
        numbers=aligned(maker.numbers, "#define "),
        registers=aligned([(maker.ENABLE, f"{maker.base:#x}"), *maker.registers], "#define "),
        ENABLE=maker.ENABLE,
        bar=maker.bar,
        used=maker.used,
        bars=" | ".join(f"BIT({bar})" for bar in maker.bars),
        members=maker.members(queues),
        stores=stores,
        vectors=maker.fixed(),
        queues=queues,
        managed=tuple(queue for queue in queues if queue.managed),
        subdevices=subdevices,
        backwards=subdevices[::-1],
        undo=f"unregister_{subdevices[-1].name}" if subdevices else "",
        carried=tuple(
            Carried(cookie.struct, f"{device.name}_{name}", _constant(cookie))
            for name, cookie in maker.cookies.items()
        ),
        counts=own,
        request_counts=own or any(v.count is not None for v in device.vectors),
        requests=own or bool(device.vectors),
        constants=_initialisers(constants) if many else (),
        late=tuple(Line(n, "", v) for n, v in late) if many else (),
        passed=", &params" if many else "".join(f", {value}" for _, value in passed),
        ids=tuple(_id(pci) for pci in device.ids),
    )


class _Maker:
    """Hands out registers and numbers, in the order in which they are asked for."""

    def __init__(self, device: Device, base: int) -> None:
        self.device = device
        self.f = device.name
        self.title = f"{device.name.replace('_', '-')}-skeleton"
        self.ENABLE = f"{self.f}_ENABLE".upper()
        self.kinds = kinds_of(device)
        self.numbers: list[tuple[str, str]] = []
        self.registers: list[tuple[str, str]] = []
        for kind in self.kinds:
            if kind.names_slots:
                self._number(f"{kind.name}_slots", kind.made_slots or 0)
        #: Bits that say in which store an index is.
        self._bits = 0
        spans = [span for kind in self.kinds for span in kind.spans]
        self.bar = min((bar for bar, _, _ in spans), default=0)
        self.bars = sorted({self.bar, *(bar for bar, _, _ in spans)})
        self._taken = [(start, end) for bar, start, end in spans if bar == self.bar]
        cookies = {f"{p.name}_cookie": shared_cookie(device, p) for p in device.pools}
        self.cookies = {name: cookie for name, cookie in cookies.items() if cookie}
        self.base = base
        self._next = base + 0x10

    def _number(self, name: str, value: int | str) -> str:
        name = f"{self.f}_{name}".upper()
        self.numbers.append((name, str(value)))
        return name

    def _register(self, name: str, size: int, index: str = "", stride: int = 4) -> str:
        """A block of registers of ``size`` bytes; gives its name."""
        name = f"{self.f}_{name}".upper()
        address = f"{self._next:#x}"
        if index:
            args = index.split(", ")
            terms = [f"{stride} * ({args[-1]})"]
            terms += [f"{size // ROOM:#x} * ({args[0]})"] if len(args) > 1 else []
            self.registers.append((f"{name}({index})", f"({address} + {' + '.join(terms)})"))
        else:
            self.registers.append((name, address))
        self._next += (size + 15) // 16 * 16
        return name

    @property
    def overlaps(self) -> bool:
        """Whether a register is where the layout has something."""
        return any(start < self._next and end > self.base for start, end in self._taken)

    @property
    def used(self) -> int:
        """Where nothing is any more in the BAR, of the layout or of the driver."""
        return max([end for _, end in self._taken] + [self._next])

    @property
    def behind(self) -> int:
        """Where there is nothing any more that the layout has in the BAR."""
        return (max(end for _, end in self._taken) + 15) // 16 * 16

    # --- stores -----------------------------------------------------------------------------------

    def store(self, kind: Kind) -> StoreCode:
        """What the driver does for a store; takes its registers."""
        code = kind.driven
        for word in code.words:
            self._word(f"{code.name}_{word}")
        self._align()
        if code.block:
            self._register(f"{code.name}_{code.block}", 16 * (kind.made_slots or 0), "index", 16)
        if code.stride:
            self._number(f"{code.name}_stride", code.stride)
        return code

    def _word(self, name: str) -> str:
        name = f"{self.f}_{name}".upper()
        self.registers.append((name, f"{self._next:#x}"))
        self._next += 4
        return name

    def _align(self) -> None:
        self._next = (self._next + 15) // 16 * 16

    def passed(self) -> list[tuple[str, str]]:
        """What init is given, by the names of the parameters."""
        out = []
        for param in params_of(self.device, self.kinds):
            name, value = param.name, ""
            if param.callback:
                value = f"{self.f}_{name}".replace("_handler", "_shared")
            elif name.endswith("_bir"):
                value = self._number(name, self._bar(name))
            elif param.type == "void __iomem *":
                number = self._bar(name)
                value = f"pcim_iomap_table(pdev)[{number}]" if number != self.bar else "priv->regs"
            elif name.endswith("_offset"):
                value = self._number(name, f"{OFFSET:#x}")
            elif name.endswith("_index"):
                value = self._number(name, "0")
            elif name.endswith("_slots"):
                value = f"{self.f}_{name}".upper()
            elif name.endswith("_queues"):
                value = "queues"
            elif name in self.cookies:
                value = f"&{self.f}_{name}"
            else:
                value = f"priv->{name}"
            out.append((name, value))
        return out

    def _bar(self, param: str) -> int:
        """The BAR that a parameter is about: by its number, or that of a store."""
        name, _, what = param.rpartition("_")
        if what not in ("bar", "bir"):
            return int(param.removeprefix("bar"))
        return kind_of(self.device, self.device.store(name)).made_bar

    # --- vectors ----------------------------------------------------------------------------------

    def fixed(self) -> tuple[Fixed, ...]:
        """By index: what is requested first is freed last, as index 0 of MSI has to be."""
        out = []
        for v in sorted(self.device.vectors, key=lambda v: v.index):
            kind = kind_of(self.device, self.device.store(v.store))
            number = "" if v.count is None else ", i"
            opens, irq = "", f"{self.f}_irq_{v.name}(&priv->irqs{number})"
            if v.count is not None:
                more = f" && {irq}" if v.optional else ""
                opens = f"for (i = 0; i < ARRAY_SIZE(priv->irqs.{v.name}){more}; i++) {{"
            elif v.optional:
                opens = f"if ({irq}) {{"
            out.append(self._fixed(v, kind.shares(v), kind.can_fail, number, opens))
            shared = [s for s in self.device.shared if s.vector == v.name]
            out += [self._fixed(s, True, False, "", opens) for s in shared]
        return tuple(out)

    def _fixed(
        self,
        v: SpecialVector | SharedVector,
        shares: bool,
        can_fail: bool,
        number: str,
        opens: str,
    ) -> Fixed:
        threaded = v.context is not Context.HARD
        flags = "IRQF_ONESHOT" if threaded else "0"
        if shares:
            oneshot = v.context is Context.ONESHOT
            flags = "IRQF_ONESHOT | IRQF_SHARED" if oneshot else "IRQF_SHARED"
        return Fixed(
            name=v.name,
            fn=f"{self.f}_{v.name}",
            purpose=_sentence(v.purpose or v.name),
            title=self._title(v.name),
            request="devm_request_threaded_irq" if threaded else "devm_request_irq",
            threaded=threaded,
            flags=flags,
            can_fail=can_fail,
            number=number,
            opens=opens,
        )

    def _title(self, name: str) -> str:
        return f"{self.f}-{name}".replace("_", "-")

    # --- pools ------------------------------------------------------------------------------------

    def _room(self, pool: Pool) -> int:
        """How many vectors a pool may have; the table of MSI-X has room for all that are wanted."""
        total = 0
        for r in pool.ranges:
            size = kind_of(self.device, self.device.store(r.store)).made_slots
            last = r.last if r.last is not None else 2 * SLOTS
            total += (last if size is None else min(last, size - 1)) - r.first + 1
        return total

    def _counts(self, pool: Pool) -> tuple[int, int]:
        """How many queues of the function itself share vectors, and have one of their own."""
        users = any(pool.name == m.pool for sub in self.device.subdevices for m in sub.members)
        if pool.managed:
            return 0, 0
        if users:
            # Most are the subdevices'.
            return 0, int(pool.dedicated and self._room(pool) > SLOTS)
        shared = SHARED if pool.sharing else 0
        left = self._room(pool) - (1 if shared else 0)
        return shared, min(OWN, left) if pool.dedicated else 0

    def queues(self, pool: Pool) -> Queues:
        """The queues of a pool; takes their registers and numbers."""
        shared, own = self._counts(pool)
        fn, FN = f"{self.f}_{pool.name}", f"{pool.name}_vector"
        stores = list(dict.fromkeys(r.store for r in pool.ranges))
        kinds = [kind_of(self.device, self.device.store(name)) for name in stores]
        NR, opens, joined = "", [], "0"
        if pool.managed:
            NR = f"priv->irqs.{pool.name}.nr"
            opens = [Opens(f"{fn}_open", "0", NR)]
            self._register(FN, 4 * SLOTS, "i")
        elif shared or own:
            if shared and own:
                joined = self._number(f"{pool.name}_shared", shared)
                NR = self._number(f"{pool.name}_nr", f"({joined} + {own})")
            else:
                NR = self._number(f"{pool.name}_nr", shared or own)
                joined = NR if shared else "0"
            opens += [Opens(f"{fn}_join", "0", joined)] if shared else []
            opens += [Opens(f"{fn}_open", joined, NR)] if own else []
            self._register(FN, 4 * (shared + own), "i")
        others = tuple(Line(kind.ENUM, "", f"{kind.ENUM}_BIT") for kind in kinds[1:])
        for line in others:
            if line.value not in dict(self.registers):
                self.registers.append((line.value, f"BIT({31 - self._bits})"))
                self._bits += 1
        parts = [("struct irq_vec *", "vec", "")] if not pool.managed else []
        parts += [("struct irq_vec_user", "user", "")] if pool.sharing else []
        cookie = next((kind.cookie for kind in kinds if kind.cookie), None) if own else None
        least = pool.sharing is not None and pool.sharing.policy is SharePolicy.LEAST_LOADED
        return Queues(
            name=pool.name,
            fn=fn,
            purpose=_sentence(pool.purpose or f"{pool.name} queues"),
            title=self._title(pool.name),
            members=members([*parts, ("unsigned int", "events", "")]),
            shared=pool.sharing is not None,
            owned=pool.managed or own > 0 or (not pool.sharing and pool.dedicated),
            managed=pool.managed,
            NR=NR,
            nr_shared=shared,
            nr_own=own,
            opens=tuple(opens),
            joins=shared > 0,
            opens_own=own > 0,
            VECTOR=f"{self.f}_{FN}".upper(),
            index=f"{pool.ranges[0].first} + i" if pool.ranges[0].first else "i",
            others=others,
            where="cpu_online_mask" if least else "cpumask_local_spread(i, dev_to_node(dev))",
            cookie=cookie.struct if cookie else "",
            cookies=_numbered(cookie, "i", SHARED + OWN) if cookie else (),
            can_fail=any(kind.can_fail for kind in kinds),
        )

    # --- subdevices -------------------------------------------------------------------------------

    def subdevice(self, number: int) -> SubdeviceCode:
        """A kind of subdevice; takes the registers of its queues."""
        sub: Subdevice = self.device.subdevices[number]
        fn = f"{self.f}_{sub.name}"
        pools = {pool.name: pool for pool in self.device.pools}
        parts, wanted = [], ""
        for m in sub.members:
            nr = 1 if m.single else min(max(WANTED, m.minimum), m.maximum)
            name = f"{sub.name}_{m.pool}"
            part = Part(
                pool=m.pool,
                pool_fn=f"{self.f}_{m.pool}",
                fn=f"{fn}_{m.pool}",
                title=self._title(name),
                NR=self._number(f"{name}_nr", nr),
                nr=nr,
                VECTOR=self._register(f"{name}_vector", ROOM * 4 * nr, "id, i"),
                shared=pools[m.pool].sharing is not None,
                several=not m.single,
                cookie=cookie.struct if (cookie := own_cookie(self.device, pools[m.pool])) else "",
                cookies=_numbered(cookie, "adev->id", ROOM) if cookie else (),
            )
            parts.append(part)
            wanted += f", {part.NR}" if part.several else ""
        wanted += "".join(f", &{part.pool}_cookie" for part in parts if part.cookie)
        state = [
            (f"struct {self.f}_priv *", "priv", ""),
            ("struct auxiliary_device *", "adev", ""),
            ("struct irq_vecset", "irqs", ""),
            *((f"struct {part.pool_fn}", f"{part.pool}[{part.NR}]", "") for part in parts),
        ]
        before = self.device.subdevices[number - 1].name if number else ""
        return SubdeviceCode(
            name=sub.name,
            fn=fn,
            members=members(state),
            parts=tuple(parts),
            wanted=wanted,
            shared=any(part.shared for part in parts),
            undo=f"goto unregister_{before}" if before else "return ret",
        )

    # --- the driver -------------------------------------------------------------------------------

    def members(self, queues: tuple[Queues, ...]) -> tuple[Member, ...]:
        """What the driver keeps of a device."""
        out = [(f"struct {self.f}_irqs", "irqs", ""), ("void __iomem *", "regs", "")]
        out += [member for kind in self.kinds for member in kind.driven.members]
        out += [("unsigned int", f"{v.name}_events", "") for v in self.device.all_vectors]
        out += [
            (
                (f"struct {queue.fn} *", queue.name, "")
                if queue.managed
                else (f"struct {queue.fn}", f"{queue.name}[{queue.NR}]", "")
            )
            for queue in queues
            if queue.NR
        ]
        return members(out)

    def includes(self, own: bool) -> tuple[str, ...]:
        """The headers, by their names."""
        device = self.device
        out = {"device.h", "interrupt.h", "io.h", "module.h", "pci.h", "pm.h"}
        out.add(names_of(device).include.removeprefix("<linux/").removesuffix(">"))
        shared = any(pool.sharing for pool in device.pools)
        out |= {"container_of.h"} if shared else set()
        out |= {"rcupdate.h"} if shared else set()
        out |= {"cpumask.h"} if any(p.managed or p.sharing for p in device.pools) else set()
        out |= {"err.h"} if own and not any(p.managed for p in device.pools) else set()
        out |= {"bits.h"}
        out |= {"array_size.h"} if any(v.count is not None for v in device.vectors) else set()
        out = out.union(*(kind.driven.includes for kind in self.kinds))
        out |= {"auxiliary_bus.h", "slab.h"} if device.subdevices else set()
        return tuple(sorted(out))


def _initialisers(pairs: list[tuple[str, str]]) -> tuple[Line, ...]:
    lines = aligned([(f".{name}", value) for name, value in pairs], 16 * " ")
    return tuple(Line(line.name.removeprefix("."), line.tabs, line.value) for line in lines)


def _constant(cookie: Cookie) -> tuple[Line, ...]:
    """The same number for each of a message's cookies, or none."""
    return _initialisers([(p.name, p.NONE if p.optional else "0") for p in cookie.parts])


def _numbered(cookie: Cookie, number: str, most: int) -> tuple[Line, ...]:
    """A number below MOST for each of a message's cookies, where that fits."""
    return _initialisers(
        [(p.name, "0" if p.limit and int(p.limit, 0) < most - 1 else number) for p in cookie.parts]
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _id(pci: PciId) -> str:
    if pci.pci_class is not None:
        return f"PCI_DEVICE_CLASS({pci.pci_class:#08x}, 0xffffff)"
    return f"PCI_DEVICE({pci.vendor or 0:#06x}, {pci.device or 0:#06x})"
