"""What a pool of vectors does, as a state machine without a kernel.

It mirrors ``templates/kernel/kernel/irq/vecpool.c`` and ``vecset.c`` step by step and gives the
same vectors in the same order, but looks for them in heaps where the C code walks a list or a
bitmap: there a shortage is rare and a mutex is held anyway, here 100,000 queues are to take a
second.  ``tests/generator`` holds it to a literal copy of the C code, and the runner holds it to a
booted kernel.

Entries and CPUs count from 0.  As in C, what fails gives a negative errno.  A :class:`Pool` never
looks at the time: the caller moves ``Machine.now``.  All CPUs are online, and those for interrupts
(housekeeping CPUs) are all that there are.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

ENOSPC, EINVAL, EXDEV, EBUSY = -28, -22, -18, -16

#: Ticks of ``Machine.now`` in a second, after which it is tried again to make a vector.
HZ = 1000


class Shortage(enum.Enum):
    """Why a vector could not be made."""

    ENTRIES = "entries"
    RESERVE = "reserve"
    INTERRUPTS = "interrupts"
    CPU = "cpu"
    CPU_VECTORS = "cpu vectors"


class FullCpu(enum.Enum):
    """What becomes of a request for a CPU which has no vector left.

    ``OTHER`` is what x86 does (``assign_irq_vector_any_locked()``): it takes one of the online CPU
    which has most left, the lowest number on ties, and warns that the affinity is broken.
    ``FAIL`` gives ``-ENOSPC``.
    """

    OTHER = "other"
    FAIL = "fail"


class Machine:
    """CPU vectors, and interrupts that the parent domain can allocate for the device.

    Every CPU has ``vectors`` of them; ``total`` limits their sum (KUnit's fake parent domain knows
    the sum only); ``interrupts`` limits those which are allocated, requested or not (a remapping
    table).  None: without limit.
    """

    def __init__(
        self,
        cpus: int,
        vectors: int | None = None,
        full: FullCpu = FullCpu.OTHER,
        *,
        total: int | None = None,
        interrupts: int | None = None,
    ) -> None:
        self.cpus = cpus
        self.vectors = vectors
        self.full = full
        self.total = total
        self.interrupts = interrupts
        self.now = 0
        self.allocated = 0
        self.active = 0
        #: CPU vectors in use, by CPU.
        self.used = [0] * cpus
        self._best: list[tuple[int, int]] | None = None

    def allocate(self) -> bool:
        """Allocate an interrupt; False when the parent domain has no more."""
        if self.interrupts is not None and self.allocated >= self.interrupts:
            return False
        self.allocated += 1
        return True

    def release(self) -> None:
        """Free an interrupt, which must not be requested."""
        self.allocated -= 1

    def request(self, cpu: int | None = None) -> int:
        """Take a CPU vector for an interrupt with affinity to ``cpu``, or to any where it is None.

        Returns the CPU that will be interrupted, or ``ENOSPC``.
        """
        if self.total is not None and self.active >= self.total:
            return ENOSPC
        if cpu is None or (self.vectors is not None and self.used[cpu] >= self.vectors):
            if cpu is not None and self.full is FullCpu.FAIL:
                return ENOSPC
            cpu = self._emptiest()
            if self.vectors is not None and self.used[cpu] >= self.vectors:
                return ENOSPC
        self.active += 1
        self._count(cpu, 1)
        return cpu

    def free(self, cpu: int) -> None:
        """Give the CPU vector of an interrupt back; ``cpu`` is what :meth:`request` gave."""
        self.active -= 1
        self._count(cpu, -1)

    def _count(self, cpu: int, step: int) -> None:
        self.used[cpu] += step
        if self._best is not None:
            heappush(self._best, (self.used[cpu], cpu))

    def _emptiest(self) -> int:
        if self._best is None:
            self._best = [(used, cpu) for cpu, used in enumerate(self.used)]
            heapify(self._best)
        while self.used[self._best[0][1]] != self._best[0][0]:
            heappop(self._best)
        return self._best[0][1]


class Vector:
    """One vector of a pool.

    ``cpu`` is the CPU it was made for, and ``at`` the one it interrupts: -1 until it is requested.
    ``seq`` tells which of a CPU's vectors is newer.
    """

    __slots__ = ("at", "cpu", "dedicated", "entry", "seq", "users")

    def __init__(self, entry: int, seq: int) -> None:
        self.entry = entry
        self.seq = seq
        self.users = 1
        self.cpu = 0
        self.at = -1
        self.dedicated = False


class _Cpu:
    """The shared vectors of a CPU, oldest first; ``rooms`` has each that has room, and others.

    ``retry`` is when to try again to make one after the CPU had no vector left, 0 while it has.
    """

    __slots__ = ("open", "retry", "rooms", "vecs")

    def __init__(self) -> None:
        self.open: Vector | None = None
        self.retry = 0
        self.vecs: list[Vector] = []
        self.rooms: list[tuple[int, int]] = []


#: Users, entry and seq of a vector; out of date once it has another number of users.
_Mark = tuple[int, int, int]


class Pool:
    """A pool of ``size`` vectors, shared by ``limit`` users each (0: not shared).

    Shared vectors leave ``reserve`` entries alone.  ``short`` says why the last vector that could
    not be made was not.  ``made``, ``shared_full`` and ``elsewhere`` are the C code's counters.
    """

    def __init__(self, machine: Machine, size: int, limit: int = 0, reserve: int = 0) -> None:
        self.machine = machine
        self.size = size
        self.limit = limit
        self.allowed = max(size - reserve, 1) if reserve else size
        self.vecs: list[Vector | None] = [None] * size
        self.cpus = [_Cpu() for _ in range(machine.cpus)] if limit else []
        self.full = False
        self.retry = 0
        self.made = 0
        self.shared_full = 0
        self.elsewhere = 0
        self.shared = 0
        self.taken = 0
        self.short: Shortage | None = None
        self._seq = 0
        self._fresh = 0
        self._freed: list[int] = []
        # Made when first needed: most runs never share.
        self._room: list[_Mark] | None = None
        self._full: list[_Mark] = []
        self._full_of: dict[int, list[_Mark]] = {}
        self._loads: list[tuple[int, int]] | None = None

    # --- shared vectors -----------------------------------------------------------------------

    def get(self, cpu: int) -> Vector | int:
        """A shared vector on a CPU: ``foo_wq_get(irqs, cpu)``."""
        if not 0 <= cpu < self.machine.cpus:
            return EINVAL
        vec = self.cpus[cpu].open
        if vec is not None and vec.users < self.limit:
            self._change(vec, 1)
            return vec
        return self._get_slow(cpu)

    def get_least(self, mask: Iterable[int] | None = None) -> Vector | int:
        """A shared vector on the least loaded CPU of ``mask``, of all CPUs where that is empty."""
        return self.get(self.least(mask))

    def load(self, cpu: int) -> int:
        """The load of a CPU as the pool counts it: users, as if all but ``open`` were full."""
        c = self.cpus[cpu]
        return (len(c.vecs) - 1) * self.limit + c.open.users if c.open else 0

    def least(self, mask: Iterable[int] | None = None) -> int:
        """The CPU with the smallest load, the lowest number on ties."""
        chosen = [cpu for cpu in mask or () if 0 <= cpu < self.machine.cpus]
        if chosen:
            return min(chosen, key=lambda cpu: (self.load(cpu), cpu))
        loads = self._all_loads()
        while self.load(loads[0][1]) != loads[0][0]:
            heappop(loads)
        return loads[0][1]

    def put(self, vec: Vector) -> None:
        """Give a shared or a dedicated vector back: ``foo_wq_put()``."""
        if vec.dedicated:
            self._destroy(vec)
            return
        if vec.users > 1:
            self.drop_user(vec)
            return
        c = self.cpus[vec.cpu]
        # Also where one user is as many as there may be.
        self._reopen(vec)
        vec.users = 0
        c.vecs.remove(vec)
        c.retry = 0
        self.shared -= 1
        if c.open is vec:
            c.open = c.vecs[-1] if c.vecs else None
        self._note_load(vec.cpu)
        self._destroy(vec)

    def add_user(self, vec: Vector) -> None:
        """One more user of a vector which somebody else keeps: ``irq_vec_add_user()``."""
        if vec.users >= self.limit:
            self.shared_full += 1
        self._change(vec, 1)

    def drop_user(self, vec: Vector) -> None:
        """One user less of a vector which stays: ``irq_vec_drop_user()``."""
        self._reopen(vec)
        self._change(vec, -1)

    def _reopen(self, vec: Vector) -> None:
        """A user is about to leave a full vector: have the room found."""
        c = self.cpus[vec.cpu]
        if vec.users >= self.limit and (c.open is None or c.open.users >= self.limit):
            c.open = vec

    def _may_make(self, cpu: int) -> bool:
        """Whether it is worth trying to make a vector: to fail is slow."""
        now = self.machine.now
        return (not self.full or now >= self.retry) and now >= self.cpus[cpu].retry

    def _get_slow(self, cpu: int) -> Vector | int:
        c = self.cpus[cpu]
        while c.rooms:
            vec = self.vecs[c.rooms[0][1]]
            if vec is not None and vec.seq == -c.rooms[0][0] and vec.users < self.limit:
                c.open = vec
                self._change(vec, 1)
                return vec
            heappop(c.rooms)
        # The C code looks for a vector to share first; what is done here doesn't change which.
        alone = not self.shared
        if alone or self._may_make(cpu):
            made = self._make_shared(cpu, keep=alone)
            # Other CPUs may have room when this one has none.
            self.full = isinstance(made, int) and made != EXDEV
            self.retry = self.machine.now + HZ
            if alone or isinstance(made, Vector):
                return made
        best = self._fewest(cpu)
        self._change(best, 1)
        self.shared_full += 1
        return best

    def _make_shared(self, cpu: int, keep: bool) -> Vector | int:
        """Make a shared vector.  One which is on another CPU is kept only if KEEP says so."""
        if self.shared >= self.allowed:
            self.short = Shortage.RESERVE if self.allowed < self.size else Shortage.ENTRIES
            return ENOSPC
        vec = self._make(self._first_free())
        if isinstance(vec, int):
            return vec
        if not self.request(vec, cpu):
            self._destroy(vec)
            return ENOSPC
        c = self.cpus[cpu]
        if vec.at != cpu and not keep:
            self.elsewhere += 1
            self.short = Shortage.CPU
            c.retry = self.machine.now + HZ
            self._destroy(vec)
            return EXDEV
        vec.cpu = cpu
        self.made += 1
        self.shared += 1
        c.retry = 0
        c.vecs.append(vec)
        c.open = vec
        self._note(vec)
        if vec.users < self.limit:
            heappush(c.rooms, (-vec.seq, vec.entry))
        return vec

    def _change(self, vec: Vector, step: int) -> None:
        """One user more or less."""
        vec.users += step
        if step < 0 and vec.users == self.limit - 1:
            heappush(self.cpus[vec.cpu].rooms, (-vec.seq, vec.entry))
        self._note(vec)

    # --- finding the vector to share, and the CPU ---------------------------------------------

    def _note(self, vec: Vector) -> None:
        """Have a vector found by the number of users that it has now."""
        if self._room is not None:
            mark = (vec.users, vec.entry, vec.seq)
            if vec.users < self.limit:
                heappush(self._room, mark)
            else:
                heappush(self._full, mark)
                heappush(self._full_of.setdefault(vec.cpu, []), mark)
        if self._loads is not None:
            heappush(self._loads, (self.load(vec.cpu), vec.cpu))

    def _note_load(self, cpu: int) -> None:
        if self._loads is not None:
            heappush(self._loads, (self.load(cpu), cpu))

    def _all_loads(self) -> list[tuple[int, int]]:
        if self._loads is None:
            self._loads = [(self.load(cpu), cpu) for cpu in range(self.machine.cpus)]
            heapify(self._loads)
        return self._loads

    def _fewest(self, cpu: int) -> Vector:
        """The vector to share: ``irq_vecpool_fewest()``.  There is a shared one."""
        if self._room is None:
            self._room = []
            for vec in self.vecs:
                if vec is not None and not vec.dedicated:
                    self._note(vec)
        best = (
            self._valid(self._room)
            or self._valid(self._full_of.get(cpu, []))
            or self._valid(self._full)
        )
        assert best is not None
        return best

    def _valid(self, marks: list[_Mark]) -> Vector | None:
        while marks:
            users, entry, seq = marks[0]
            vec = self.vecs[entry]
            if vec is not None and vec.seq == seq and vec.users == users:
                return vec
            heappop(marks)
        return None

    # --- dedicated vectors --------------------------------------------------------------------

    def get_dedicated(self) -> Vector | int:
        """A vector for one owner: ``foo_wq_get_dedicated()``.  The owner requests it."""
        return self.get_at(self._first_free())

    def get_at(self, entry: int) -> Vector | int:
        """The same at an entry of the pool: ``foo_wq_get_<store>()``."""
        if entry < self.size and self.vecs[entry] is not None:
            return EBUSY
        vec = self._make(entry)
        if isinstance(vec, Vector):
            vec.dedicated = True
        return vec

    def request(self, vec: Vector, cpu: int | None = None) -> bool:
        """Request the interrupt of a vector for a CPU; False: -ENOSPC, nothing changed."""
        at = self.machine.request(cpu)
        if at < 0:
            self.short = Shortage.CPU_VECTORS
            return False
        vec.at = at
        return True

    # --- entries ------------------------------------------------------------------------------

    def _first_free(self) -> int:
        """``find_first_zero_bit(pool->taken, pool->nr)``."""
        while self._freed:
            if self.vecs[self._freed[0]] is None:
                return self._freed[0]
            heappop(self._freed)
        while self._fresh < self.size and self.vecs[self._fresh] is not None:
            self._fresh += 1
        return self._fresh

    def _make(self, entry: int) -> Vector | int:
        if entry >= self.size:
            self.short = Shortage.ENTRIES
            return ENOSPC
        if not self.machine.allocate():
            self.short = Shortage.INTERRUPTS
            return ENOSPC
        self._seq += 1
        vec = Vector(entry, self._seq)
        self.vecs[entry] = vec
        self.taken += 1
        return vec

    def _destroy(self, vec: Vector) -> None:
        if vec.at >= 0:
            self.machine.free(vec.at)
        self.machine.release()
        self.vecs[vec.entry] = None
        self.taken -= 1
        self.full = False
        if vec.entry < self._fresh:
            heappush(self._freed, vec.entry)


class Picker:
    """Chooses CPUs one after the other, the least loaded first, none twice before all had a turn.

    Others may use the pool meanwhile.  :meth:`close` must be called before there is another one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._used: set[int] = set()
        self._loads = pool._all_loads()

    def next(self) -> int:
        """The next CPU."""
        if len(self._used) == self._pool.machine.cpus:
            self.close()
        while True:
            load, cpu = heappop(self._loads)
            if cpu not in self._used and load == self._pool.load(cpu):
                self._used.add(cpu)
                return cpu

    def close(self) -> None:
        """Have the chosen CPUs found again."""
        for cpu in self._used:
            heappush(self._loads, (self._pool.load(cpu), cpu))
        self._used.clear()


def take(pool: Pool, wanted: int, get: Callable[[int | None], Vector | int]) -> list[Vector]:
    """What a subdevice gets of a pool: ``irq_vecset_take()``.

    Each shared vector is for another CPU, the least loaded first; ``get`` is called with it, with
    None for a dedicated vector.  There may be fewer than WANTED: the first failure ends it.
    """
    picker = Picker(pool) if pool.limit else None
    vectors: list[Vector] = []
    while len(vectors) < wanted:
        vec = get(picker.next() if picker else None)
        if isinstance(vec, int):
            break
        vectors.append(vec)
    if picker:
        picker.close()
    return vectors


def spare(vectors: Sequence[Vector], queues: int) -> Iterator[Vector]:
    """The vectors of a subdevice which its queues are attached to, queue n to vector n modulo their
    number, but for the first queue of each: the subdevice itself was the first user.

    The others count one by one, ``irq_vecset_count()``.
    """
    for number in range(len(vectors), queues if vectors else 0):
        yield vectors[number % len(vectors)]


def give_back(got: Sequence[tuple[Pool, Sequence[Vector]]]) -> None:
    """What becomes of them when the subdevice goes: ``irq_vecset_undo()``."""
    for pool, vectors in reversed(got):
        for vec in reversed(vectors):
            pool.put(vec)
