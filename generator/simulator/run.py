"""What a device's pools do on a machine: queues and subdevices come, and the outcome is measured.

:func:`simulate` is a pure function from a device and a :class:`Setup` to an :class:`Outcome`.  The
pools are those of :mod:`.sim_pool`; here is who asks them for what, and in which order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from imsgen.dsl.kinds import KINDS, StoreKind, row_of
from imsgen.dsl.model import (
    Device,
    Member,
    Range,
    SharePolicy,
    Store,
    Subdevice,
    largest,
)
from imsgen.dsl.model import Pool as PoolModel

from .pool import ENOSPC, HZ, FullCpu, Machine, Pool, Shortage, Vector, give_back, spare, take

#: Points of a curve, at most.
SAMPLES = 100

#: Users of a vector, where policies are compared and the file gives no limit.
USUAL_LIMIT = 8


class SimulationError(Exception):
    """What is asked for does not fit the device.  The text is for the user."""


@dataclass(frozen=True)
class Setup:
    """The machine, and what is to happen on it.

    ``queues`` is the number of queues in all, shared out evenly where there are ``subdevices``:
    kinds and numbers of them, "" for the device's first kind.  They come at ``per_second``.
    ``dedicated`` owners come after them.  ``slots``, ``msix`` and ``msi`` are the sizes that only
    the driver or the device knows, None for the largest; ``named`` has slots of single stores.
    ``interrupts`` is how many the parent domain has for the device, None for enough.
    """

    cpus: int
    queues: int
    vectors_per_cpu: int = 200
    full_cpu: FullCpu = FullCpu.OTHER
    interrupts: int | None = None
    per_second: int = 1000
    subdevices: tuple[tuple[str, int], ...] = ()
    dedicated: int = 0
    slots: int | None = None
    named: tuple[tuple[str, int], ...] = ()
    msix: int | None = None
    msi: int | None = None
    pools: tuple[str, ...] = ()
    compare: bool = False
    sample: bool = False

    def granted(self, kind: StoreKind) -> int | None:
        """How many messages of a kind of the PCI core there are, None for the largest number."""
        return {"msix": self.msix, "msi": self.msi}[kind.word]

    def machine(self) -> Machine:
        """A fresh machine."""
        return Machine(self.cpus, self.vectors_per_cpu, self.full_cpu, interrupts=self.interrupts)


@dataclass(frozen=True)
class Part:
    """The entries of a pool which are in one store, the pool's first ones first.

    ``pci`` is set where the PCI core manages the store: MSI and MSI-X.
    """

    store: str
    entries: int
    pci: bool
    used: int = 0


@dataclass(frozen=True)
class Plan:
    """A pool as it is on this machine.  ``limit`` is 0 where it is not shared."""

    name: str
    parts: tuple[Part, ...]
    limit: int
    least_loaded: bool
    dedicated: bool
    managed: bool
    reserve: int

    @property
    def entries(self) -> int:
        """Vectors in all stores."""
        return sum(part.entries for part in self.parts)

    @property
    def policy(self) -> str:
        """The policy in the words of the language."""
        words = ["managed"] if self.managed else []
        if self.limit:
            how = "least loaded" if self.least_loaded else "per cpu"
            words.append(f"share {how} up to {self.limit}")
        words += ["dedicated"] if self.dedicated else []
        words += [f"reserve {self.reserve}"] if self.reserve else []
        return ", ".join(words)


@dataclass(frozen=True)
class Spread:
    """The smallest, the middle and the largest of some numbers."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class Event:
    """Something ran out for the first time, or had a consequence for the first time.

    Causes: ``store`` (that store is full, the pool goes on in the next), ``entries`` (all are),
    ``reserve`` (what is left is for dedicated users), ``cpu`` (that CPU has no vector left, its
    queues share), ``cpu vectors`` (there is none: on ``cpu`` where requests for a full CPU fail,
    else on any), ``interrupts`` (the parent domain has no more), ``cpus`` (managed: there is one
    vector a CPU), ``subdevices`` (of that kind there can't be more).  Consequences: ``shared`` (a
    queue had to share beyond the limit, or off its CPU), ``failed`` (a queue got nothing),
    ``dedicated`` (an owner got nothing).  ``number`` counts from 1: queues, subdevices for
    ``subdevices``, owners for ``dedicated``.
    """

    kind: str
    number: int
    cpu: int | None = None
    store: str | None = None

    @property
    def shortage(self) -> bool:
        """Whether it is a cause and no consequence."""
        return self.kind not in ("shared", "failed", "dedicated")


@dataclass(frozen=True)
class Sample:
    """The state after ``queue`` queues."""

    queue: int
    per_cpu: Spread
    users: Spread


@dataclass(frozen=True)
class PoolOutcome:
    """What became of a pool.

    Of the ``served`` queues, ``own_cpu`` are on a vector of their CPU within the limit,
    ``over_limit`` on one with too many users, ``other_cpu`` are interrupted on another CPU than
    they asked for; the latter two may be the same.  ``shared_full`` and ``elsewhere`` are counters
    of the pool: the latter for vectors that were given back, as they were on another CPU.
    ``moved`` shared vectors are there all the same: there was none to share.  ``per_cpu`` counts
    the vectors of this pool; ``users`` is about shared vectors, None where there are none.
    """

    pool: str
    policy: str
    limit: int
    parts: tuple[Part, ...]
    queues: int
    served: int
    failed: int
    own_cpu: int
    over_limit: int
    other_cpu: int
    shared_full: int
    elsewhere: int
    vectors: int
    moved: int
    dedicated_wanted: int
    dedicated_got: int
    per_cpu: Spread
    idle_cpus: int
    users: Spread | None
    events: tuple[Event, ...]
    samples: tuple[Sample, ...] = field(default=(), repr=False)

    @property
    def entries(self) -> int:
        """Vectors that the pool could have."""
        return sum(part.entries for part in self.parts)

    @property
    def first(self) -> Event | None:
        """What ran out first."""
        return next((event for event in self.events if event.shortage), None)


@dataclass(frozen=True)
class SubdeviceOutcome:
    """What became of the subdevices of a kind.

    ``fewer`` got less than they asked for, ``vectors`` is what each has.
    """

    kind: str
    wanted: int
    created: int
    fewer: int
    failed: int
    vectors: Spread


@dataclass(frozen=True)
class Outcome:
    """What became of a device."""

    device: str
    setup: Setup
    pools: tuple[PoolOutcome, ...]
    subdevices: tuple[SubdeviceOutcome, ...] = ()
    compared: tuple[PoolOutcome, ...] = ()


# --- from the model -----------------------------------------------------------------------------


def size_of(store: Store, setup: Setup) -> int:
    """How many messages a store has on this machine.  Raises `SimulationError`."""
    kind, maximum = row_of(store), largest(store)
    if kind.is_pci:
        given = setup.granted(kind)
    elif store.slots and not store.slots.runtime:
        return maximum
    else:
        given = dict(setup.named).get(store.name, setup.slots)
    if given is None:
        return maximum
    if given > maximum:
        raise SimulationError(f"store {store.name} has at most {maximum}, not {given}")
    return given


def check_sizes(device: Device, setup: Setup) -> None:
    """Each size that is given must be one of the device's.  Raises `SimulationError`."""
    own = [s for s in device.stores if not row_of(s).is_pci]
    runtime = [s for s in own if s.slots and s.slots.runtime]
    pci = [kind for kind in KINDS if kind.is_pci]
    for option, given, there in (
        *(
            (f"--{kind.word}", setup.granted(kind), [s for s in device.stores if row_of(s) == kind])
            for kind in pci
        ),
        ("--slots", setup.slots, runtime),
        *(("--slots", name, [s for s in runtime if s.name == name]) for name, _ in setup.named),
    ):
        if given is not None and not there:
            raise SimulationError(f"{option}: {device.name} has no store whose size that could be")


def plan(device: Device, pool: PoolModel, setup: Setup) -> Plan:
    """A pool of the device with the sizes of this machine."""

    def part(r: Range) -> Part:
        store = device.store(r.store)
        end = size_of(store, setup) - any(v.at_end and v.store == r.store for v in device.vectors)
        if r.last is not None:
            end = min(end, r.last + 1)
        return Part(r.store, max(end - r.first, 0), row_of(store).is_pci)

    sharing = pool.sharing
    return Plan(
        pool.name,
        tuple(part(r) for r in pool.ranges),
        sharing.limit if sharing else 0,
        sharing is not None and sharing.policy is SharePolicy.LEAST_LOADED,
        pool.dedicated,
        pool.managed,
        pool.reserve,
    )


def variants(plan: Plan) -> tuple[Plan, ...]:
    """The pool with every policy that there is: managed ones have one store, MSI or MSI-X."""
    limit = plan.limit or USUAL_LIMIT
    plain = replace(plan, limit=0, least_loaded=False, dedicated=False, managed=False, reserve=0)
    found = (
        replace(plain, limit=limit),
        replace(plain, limit=limit, least_loaded=True),
        replace(plain, dedicated=True),
    )
    table = next((part for part in plan.parts if part.pci), None)
    return (*found, replace(plain, managed=True, parts=(table,))) if table else found


# --- measuring ----------------------------------------------------------------------------------


def spread(numbers: Iterable[int]) -> Spread:
    """Smallest, median and largest; zeros where there are no numbers."""
    found = sorted(numbers)
    if not found:
        return Spread(0, 0, 0)
    middle = median(found)
    return Spread(found[0], int(middle) if middle == int(middle) else middle, found[-1])


class _Watch:
    """A pool with what is to be said about it."""

    def __init__(self, plan: Plan, machine: Machine) -> None:
        self.plan = plan
        self.machine = machine
        self.pool = Pool(machine, plan.entries, plan.limit, plan.reserve)
        self.queues = self.served = self.own = self.over = self.other = 0
        self.owners = self.owned = 0
        self.events: dict[object, Event] = {}
        self.samples: list[Sample] = []
        self._end = 0
        self._ends = self._part_ends()
        self._next_part()

    def _part_ends(self) -> Iterator[tuple[int, str]]:
        end = 0
        for part in self.plan.parts[:-1]:
            end += part.entries
            yield end, part.store

    def _next_part(self) -> None:
        self._end, self._store = next(self._ends, (self.plan.entries, ""))

    def event(self, key: object, event: Event) -> None:
        """Keep an event unless there is one of this key."""
        self.events.setdefault(key, event)

    def get(self, cpu: int | None) -> Vector | int:
        """A vector for a queue: shared on ``cpu``, else dedicated and requested."""
        pool = self.pool
        if self.plan.limit and cpu is not None:
            return pool.get(cpu)
        vec = pool.get_dedicated()
        if isinstance(vec, Vector) and not pool.request(vec, cpu):
            pool.put(vec)
            return ENOSPC
        return vec

    def queue(self, cpu: int | None, number: int) -> Vector | int:
        """A queue which wants to be served on ``cpu``, None where any will do."""
        self.queues += 1
        vec = self.get(cpu)
        self._shortage(cpu, number)
        if isinstance(vec, int):
            self.event("failed", Event("failed", number, cpu))
            return vec
        self._count(vec, cpu, number)
        return vec

    def attach(self, vec: Vector, number: int) -> None:
        """A further queue on the vector of a subdevice."""
        self.queues += 1
        self.pool.add_user(vec)
        self._count(vec, vec.cpu, number)

    def _count(self, vec: Vector, cpu: int | None, number: int) -> None:
        self.served += 1
        self._look(vec, number)
        over = self.plan.limit > 0 and vec.users > self.plan.limit
        other = cpu is not None and vec.at != cpu
        self.over += over
        self.other += other
        self.own += not (over or other)
        if over or other:
            self.event("shared", Event("shared", number, cpu))

    def owner(self, number: int) -> None:
        """One who wants a vector alone, on whatever CPU."""
        self.owners += 1
        vec = self.pool.get_dedicated()
        if isinstance(vec, Vector):
            if self.pool.request(vec):
                self.owned += 1
                return
            self.pool.put(vec)
        self.event("dedicated", Event("dedicated", number))

    def _shortage(self, cpu: int | None, number: int) -> None:
        short, self.pool.short = self.pool.short, None
        if short is Shortage.CPU:
            self.event("cpu", Event("cpu", number, cpu))
        elif short is Shortage.CPU_VECTORS:
            on = cpu if self.machine.full is FullCpu.FAIL else None
            self.event(short, Event(short.value, number, on))
        elif short is not None:
            self.event(short, Event(short.value, number))

    def _look(self, vec: Vector, number: int) -> None:
        while vec.entry >= self._end:
            self.event(("store", self._end), Event("store", number, store=self._store))
            self._next_part()
        if vec.at != vec.cpu and self.plan.limit:
            self.event("cpu", Event("cpu", number, vec.cpu))

    def vectors(self) -> list[Vector]:
        """The vectors which exist."""
        return [vec for vec in self.pool.vecs if vec is not None]

    def per_cpu(self) -> list[int]:
        """The vectors of this pool by CPU."""
        counts = Counter(vec.at for vec in self.vectors() if vec.at >= 0)
        return [counts[cpu] for cpu in range(self.machine.cpus)]

    def sample(self, number: int) -> None:
        """Note the state after ``number`` queues."""
        users = spread(vec.users for vec in self.vectors() if not vec.dedicated)
        self.samples.append(Sample(number, spread(self.per_cpu()), users))

    def outcome(self) -> PoolOutcome:
        """The end."""
        vectors = self.vectors()
        shared = [vec.users for vec in vectors if not vec.dedicated]
        per_cpu = self.per_cpu()
        return PoolOutcome(
            pool=self.plan.name,
            policy=self.plan.policy,
            limit=self.plan.limit,
            parts=self._parts(vec.entry for vec in vectors),
            queues=self.queues,
            served=self.served,
            failed=self.queues - self.served,
            own_cpu=self.own,
            over_limit=self.over,
            other_cpu=self.other,
            shared_full=self.pool.shared_full,
            elsewhere=self.pool.elsewhere,
            vectors=len(vectors),
            moved=sum(1 for vec in vectors if not vec.dedicated and vec.at != vec.cpu),
            dedicated_wanted=self.owners,
            dedicated_got=self.owned,
            per_cpu=spread(per_cpu),
            idle_cpus=per_cpu.count(0),
            users=spread(shared) if shared else None,
            events=tuple(self.events.values()),
            samples=tuple(self.samples),
        )

    def _parts(self, entries: Iterable[int]) -> tuple[Part, ...]:
        taken = sorted(entries)
        out, begin = [], 0
        for part in self.plan.parts:
            end = begin + part.entries
            used = sum(1 for entry in taken if begin <= entry < end)
            out.append(replace(part, used=used))
            begin = end
        return tuple(out)


# --- running ------------------------------------------------------------------------------------


def _specials(device: Device, machine: Machine) -> None:
    """The special vectors come first, and are there while anything else is."""
    for special in device.vectors:
        for _ in range(special.count or 1):
            if not machine.allocate() or machine.request() < 0:
                raise SimulationError(
                    f"the machine has nothing for the special vector {special.name}"
                )


def run_pool(device: Device, chosen: Plan, setup: Setup) -> PoolOutcome:
    """The queues on one pool, nobody else there.  Queue n wants CPU n modulo the number of CPUs."""
    machine = setup.machine()
    _specials(device, machine)
    watch = _Watch(chosen, machine)
    if chosen.managed:
        return _run_managed(watch, setup)
    every = max(setup.queues // SAMPLES, 1)
    for number in range(1, setup.queues + 1):
        machine.now = (number - 1) * HZ // setup.per_second
        cpu = (number - 1) % setup.cpus
        if chosen.least_loaded:
            cpu = watch.pool.least()
        watch.queue(cpu, number)
        if setup.sample and (number % every == 0 or number == 1):
            watch.sample(number)
    if chosen.dedicated:
        for number in range(1, setup.dedicated + 1):
            watch.owner(number)
    return watch.outcome()


def _run_managed(watch: _Watch, setup: Setup) -> PoolOutcome:
    """One vector a queue, at most one a CPU, spread by the kernel; queues without one aren't made.

    Each CPU is in the mask of one vector, which takes a CPU vector on all CPUs of its mask.
    """
    machine, one = watch.machine, watch.plan
    bounds = {"entries": one.entries, "cpus": setup.cpus}
    if machine.interrupts is not None:
        bounds["interrupts"] = machine.interrupts - machine.allocated
    if max(machine.used) >= setup.vectors_per_cpu:
        bounds = {"cpu vectors": 0}
    kind = min(bounds, key=lambda name: bounds[name])
    granted = min(setup.queues, bounds[kind])
    events: tuple[Event, ...] = ()
    if granted < setup.queues:
        on = machine.used.index(max(machine.used)) if kind == "cpu vectors" else None
        events = (Event(kind, granted + 1, on), Event("failed", granted + 1))
    return replace(
        watch.outcome(),
        parts=tuple(replace(part, used=granted) for part in one.parts),
        queues=setup.queues,
        served=granted,
        failed=setup.queues - granted,
        own_cpu=granted,
        vectors=granted,
        per_cpu=spread([min(granted, 1)] * setup.cpus),
        idle_cpus=0 if granted else setup.cpus,
        events=events,
    )


def wanted_of(member: Member, queues: int) -> int:
    """How many vectors a subdevice with that many queues asks a pool for."""
    return 1 if member.single else min(max(queues, member.minimum), member.maximum)


class _Kind:
    """Subdevices of one kind: how many of them there are to be, and what became of them."""

    def __init__(self, kind: Subdevice, wanted: int) -> None:
        self.kind = kind
        self.wanted = wanted
        self.came = self.created = self.fewer = self.failed = 0
        self.each: list[int] = []

    def outcome(self) -> SubdeviceOutcome:
        """The end."""
        return SubdeviceOutcome(
            self.kind.name, self.wanted, self.created, self.fewer, self.failed, spread(self.each)
        )


class _Family:
    """Subdevices of some kinds on one machine, and the pools that they take from."""

    def __init__(self, device: Device, kinds: Sequence[_Kind], setup: Setup) -> None:
        self.kinds = kinds
        self.setup = setup
        self.machine = setup.machine()
        _specials(device, self.machine)
        names = [member.pool for one in kinds for member in one.kind.members]
        self.watches = {
            pool.name: _Watch(plan(device, pool, setup), self.machine)
            for pool in device.pools
            if pool.name in names
        }
        self.served = 0

    def run(self) -> None:
        """All subdevices, one after the other, the kinds in turn."""
        count = sum(one.wanted for one in self.kinds)
        share, rest = divmod(self.setup.queues, count)
        every = max(count // SAMPLES, 1)
        for number, one in enumerate(self.turns(), 1):
            queues = share + (number <= rest)
            self.one(one, number, queues)
            self.served += queues
            if self.setup.sample and (number % every == 0 or number == 1):
                for watch in self.watches.values():
                    watch.sample(self.served)

    def turns(self) -> Iterator[_Kind]:
        """Whose turn it is, while there are to be more."""
        for number in range(max(one.wanted for one in self.kinds)):
            yield from (one for one in self.kinds if number < one.wanted)

    def one(self, which: _Kind, number: int, queues: int) -> None:
        """A subdevice: all its members, or nothing."""
        self.machine.now = self.served * HZ // self.setup.per_second
        members = which.kind.members
        if which.created >= which.kind.maximum:
            which.failed += 1
            for member in members:
                self.watches[member.pool].event(
                    ("subdevices", which.kind.name), Event("subdevices", number)
                )
            return
        got: list[tuple[Pool, list[Vector]]] = []
        more: list[tuple[_Watch, list[Vector]]] = []
        fewer = False
        for member in members:
            watch = self.watches[member.pool]
            vectors = self.member(watch, member, wanted_of(member, queues))
            got.append((watch.pool, vectors))
            if len(vectors) < member.minimum:
                give_back(got)
                which.failed += 1
                return
            fewer |= len(vectors) < wanted_of(member, queues)
            if not member.single and watch.plan.limit:
                more.append((watch, vectors))
        which.created += 1
        which.fewer += fewer
        which.each.append(sum(len(vectors) for _, vectors in got))
        for watch, vectors in more:
            for count, vec in enumerate(spare(vectors, queues), len(vectors) + 1):
                watch.attach(vec, self.served + count)

    def member(self, watch: _Watch, member: Member, wanted: int) -> list[Vector]:
        """The vectors of one member."""
        queue = self.served

        def get(cpu: int | None) -> Vector | int:
            nonlocal queue
            queue += 1
            return watch.queue(cpu, queue)

        return take(watch.pool, wanted, get)


def simulate(device: Device, setup: Setup) -> Outcome:
    """What becomes of the device's pools, or of its subdevices where ``setup`` has some.

    Without subdevices each pool is simulated alone.  Raises `SimulationError` where the device has
    not what ``setup`` asks for.
    """
    check_sizes(device, setup)
    if setup.subdevices:
        return _with_subdevices(device, setup)
    chosen = _chosen(device, setup.pools)
    plans = [plan(device, pool, setup) for pool in chosen]
    for one in plans:
        if not one.entries:
            raise SimulationError(f"pool {one.name} has no vectors with stores of these sizes")
    compared = [other for one in plans for other in variants(one)] if setup.compare else []
    return Outcome(
        device.name,
        setup,
        tuple(run_pool(device, one, setup) for one in plans),
        compared=tuple(run_pool(device, one, setup) for one in compared),
    )


def _chosen(device: Device, names: Sequence[str]) -> list[PoolModel]:
    if not device.pools:
        raise SimulationError(f"{device.name} has no pool")
    there = [pool.name for pool in device.pools]
    for name in names:
        if name not in there:
            raise SimulationError(f"--pool: {device.name} has no pool {name}, but {_list(there)}")
    return [pool for pool in device.pools if not names or pool.name in names]


def _with_subdevices(device: Device, setup: Setup) -> Outcome:
    if not device.subdevices:
        raise SimulationError(f"--subdevices: {device.name} has no subdevices")
    if setup.pools or setup.compare or setup.dedicated:
        raise SimulationError("--subdevices goes with none of --pool, --compare, --dedicated")
    kinds = [_Kind(_kind(device, name), wanted) for name, wanted in setup.subdevices]
    family = _Family(device, kinds, setup)
    family.run()
    pools = tuple(watch.outcome() for watch in family.watches.values())
    return Outcome(device.name, setup, pools, tuple(one.outcome() for one in kinds))


def _kind(device: Device, name: str) -> Subdevice:
    there = {sub.name: sub for sub in device.subdevices}
    if name and name not in there:
        raise SimulationError(
            f"--subdevices: {device.name} has no subdevices {name}, but {_list(list(there))}"
        )
    return there[name] if name else device.subdevices[0]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
