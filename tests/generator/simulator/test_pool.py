"""The simulated pool does what the C code does, here against a literal copy of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.generator.simulator.pool import (
    EBUSY,
    EINVAL,
    ENOSPC,
    HZ,
    FullCpu,
    Machine,
    Picker,
    Pool,
    Shortage,
    Vector,
)

from .pool_reference import Reference, Vec

CPUS = 5

operations = st.lists(
    st.one_of(
        st.tuples(st.just("get"), st.integers(0, CPUS - 1)),
        st.tuples(st.just("burst"), st.integers(0, CPUS - 1)),
        st.tuples(st.just("least"), st.integers(0, 2**CPUS - 1)),
        st.tuples(st.just("dedicated"), st.integers(0, CPUS - 1)),
        st.tuples(st.just("put"), st.integers(0, 10**6)),
        st.tuples(st.just("drop"), st.integers(0, 10**6)),
        st.tuples(st.just("pass"), st.sampled_from((1, HZ - 1, HZ))),
        st.tuples(st.just("pick"), st.integers(1, 12)),
        st.tuples(st.just("join"), st.integers(0, 10**6)),
        st.tuples(st.just("leave"), st.integers(0, 10**6)),
    ),
    max_size=150,
)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, int]:
    """The sizes of a pool and of its machine, scarce in one way or another."""
    return {
        "cpus": draw(st.integers(1, CPUS)),
        "nr": draw(st.integers(0, 20)),
        "limit": draw(st.integers(1, 4)),
        "reserve": draw(st.sampled_from((0, 0, 1, 3, 30))),
        "vectors": draw(st.sampled_from((0, 1, 2, 4, 100))),
        "other": draw(st.booleans()),
        "total": draw(st.sampled_from((3, 12, 1000))),
        "interrupts": draw(st.sampled_from((2, 9, 1000))),
    }


class Both:
    """The same operations on both."""

    def __init__(self, sizes: dict[str, int]) -> None:
        full = FullCpu.OTHER if sizes["other"] else FullCpu.FAIL
        self.machine = Machine(
            sizes["cpus"],
            sizes["vectors"],
            full,
            total=sizes["total"],
            interrupts=sizes["interrupts"],
        )
        self.pool = Pool(self.machine, sizes["nr"], sizes["limit"], sizes["reserve"])
        self.slow = Reference(**{**sizes, "other": bool(sizes["other"])})
        self.held: list[tuple[Vector, Vec]] = []
        self.joined: list[tuple[Vector, Vec]] = []

    def keep(self, fast: Vector | int, slow: Vec | int) -> bool:
        if isinstance(fast, int) or isinstance(slow, int):
            assert fast == slow
            return False
        assert fast.entry == slow.entry
        self.held.append((fast, slow))
        return True

    def put(self, number: int) -> None:
        """Give one back, but keep a vector while others have joined it."""
        if self.held:
            vec = self.held[number % len(self.held)]
            while vec in self.joined and self.held.count(vec) == 1:
                self.leave(self.joined.index(vec))
            self.held.remove(vec)
            fast, slow = vec
            self.pool.put(fast)
            self.slow.put(slow)

    def step(self, word: str, number: int) -> None:
        cpu = number % self.machine.cpus
        if word in ("get", "burst"):
            for _ in range(1 if word == "get" else 6):
                self.keep(self.pool.get(cpu), self.slow.get(cpu))
        elif word == "least":
            mask = [n for n in range(self.machine.cpus) if number >> n & 1]
            self.keep(self.pool.get_least(mask), self.slow.get(self.slow.least(mask)))
        elif word == "dedicated":
            if self.keep(self.pool.get_dedicated(), self.slow.get_dedicated()):
                fast, slow = self.held[-1]
                assert self.pool.request(fast, cpu) == (self.slow.request_irq(slow, cpu) == 0)
        elif word == "put":
            self.put(number)
        elif word == "drop":
            for n in range(5):
                self.put(number + n)
        elif word == "pass":
            self.machine.now += number
            self.slow.jiffies += number
        elif word == "pick":
            self.pick(number)
        elif word == "join":
            self.join(number)
        elif word == "leave" and self.joined:
            self.leave(number % len(self.joined))

    def join(self, number: int) -> None:
        """One more user of a vector that somebody holds."""
        shared = [vec for vec in self.held if not vec[0].dedicated]
        if shared:
            fast, slow = shared[number % len(shared)]
            self.pool.add_user(fast)
            self.slow.add_user(slow)
            self.joined.append((fast, slow))

    def leave(self, index: int) -> None:
        fast, slow = self.joined.pop(index)
        self.pool.drop_user(fast)
        self.slow.drop_user(slow)

    def pick(self, count: int) -> None:
        """What a subdevice does: another CPU each time."""
        picker = Picker(self.pool)
        seen: set[int] = set()
        for _ in range(count):
            if len(seen) == self.machine.cpus:
                seen.clear()
            left = [cpu for cpu in range(self.machine.cpus) if cpu not in seen]
            cpu = self.slow.least(left)
            seen.add(cpu)
            assert picker.next() == cpu
            if not self.keep(self.pool.get(cpu), self.slow.get(cpu)):
                break
        picker.close()

    def compare(self) -> None:
        pool, slow = self.pool, self.slow
        assert [v and (v.entry, v.users, v.cpu, v.at, v.dedicated) for v in pool.vecs] == [
            v and (v.entry, v.users, v.cpu, v.at, v.dedicated) for v in slow.vecs
        ]
        assert (pool.made, pool.shared_full, pool.full) == (slow.made, slow.shared_full, slow.full)
        assert pool.elsewhere == slow.elsewhere
        assert [c.retry for c in pool.cpus] == slow.cpu_retry
        assert [c.open and c.open.entry for c in pool.cpus] == [v and v.entry for v in slow.open]
        assert [[v.entry for v in c.vecs[::-1]] for c in pool.cpus] == [
            [v.entry for v in vecs] for vecs in slow.lists
        ]
        assert self.machine.used == slow.used and self.machine.allocated == slow.allocated
        assert [pool.load(cpu) for cpu in range(self.machine.cpus)] == [
            slow.load(cpu) for cpu in range(self.machine.cpus)
        ]
        assert pool.taken == sum(1 for v in pool.vecs if v)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(sizes=machines(), steps=operations)
def test_as_the_c_code(sizes: dict[str, int], steps: list[tuple[str, int]]) -> None:
    both = Both(sizes)
    for word, number in steps:
        both.step(word, number)
        both.compare()
    while both.held:
        both.put(0)
    both.compare()
    assert both.machine.active == both.machine.allocated == both.pool.taken == 0


def test_the_only_user_leaves_a_full_vector() -> None:
    """What was full is open for a moment, and the newest that is left is after it."""
    sizes = dict.fromkeys(("reserve", "other"), 0) | {"cpus": 1, "nr": 4, "limit": 1}
    both = Both(sizes | {"vectors": 4, "total": 12, "interrupts": 9})
    for word, number in (("get", 0), ("burst", 0), ("drop", 207)):
        both.step(word, number)
        both.compare()


def test_no_such_cpu_or_entry() -> None:
    pool = Pool(Machine(2), 1, 1)
    assert pool.get(2) == pool.get(-1) == EINVAL
    assert isinstance(pool.get_at(0), Vector)
    assert pool.get_at(0) == EBUSY and pool.get_at(1) == ENOSPC


def test_why_it_ran_out() -> None:
    pool = Pool(Machine(1, 1, FullCpu.FAIL), 3, 1)
    assert isinstance(pool.get(0), Vector) and pool.short is None
    pool.get(0)
    assert pool.short is Shortage.CPU_VECTORS
    pool = Pool(Machine(1), 3, 1, reserve=2)
    for _ in range(2):
        pool.get(0)
    assert pool.short is Shortage.RESERVE
    for _ in range(3):
        pool.get_dedicated()
    assert pool.short is Shortage.ENTRIES
    pool = Pool(Machine(1, interrupts=0), 3, 1)
    assert pool.get(0) == ENOSPC and pool.short is Shortage.INTERRUPTS


def test_a_full_pool_tries_once_a_second_only() -> None:
    machine = Machine(2, 1, FullCpu.FAIL)
    pool = Pool(machine, 10, 1)
    pool.get(0)
    pool.get(0)
    assert pool.full
    # CPU 1 has a vector left, but nobody asks for it before the second is over.
    vec = pool.get(1)
    assert isinstance(vec, Vector) and vec.cpu == 0
    machine.now += HZ
    vec = pool.get(1)
    assert isinstance(vec, Vector) and vec.cpu == 1 and not pool.full


def test_a_vector_on_another_cpu_is_given_back_while_there_is_one_to_share() -> None:
    machine = Machine(2, 1)
    pool = Pool(machine, 10, 1)
    pool.get(0)
    # CPU 0 has no more, the machine grants one of CPU 1: user 2 shares instead.
    vec = pool.get(0)
    assert isinstance(vec, Vector) and (vec.entry, vec.users, vec.at) == (0, 2, 0)
    assert (pool.short, pool.elsewhere, pool.full) == (Shortage.CPU, 1, False)
    # CPU 1 has its own at once, CPU 0 tries again after a second.
    vec = pool.get(1)
    assert isinstance(vec, Vector) and (vec.cpu, vec.at) == (1, 1)
    pool.put(vec)
    pool.get(0)
    assert pool.elsewhere == 1
    machine.now += HZ
    pool.get(0)
    assert pool.elsewhere == 2
    assert machine.used == [1, 0]


def test_the_first_vector_may_be_anywhere() -> None:
    machine = Machine(2, 1)
    machine.request(0)
    vec = Pool(machine, 10, 1).get(0)
    assert isinstance(vec, Vector) and (vec.cpu, vec.at) == (0, 1)


def test_users_count_where_they_attach() -> None:
    pool = Pool(Machine(2), 10, 2)
    vec = pool.get(0)
    assert isinstance(vec, Vector)
    for users in (2, 3):
        pool.add_user(vec)
        assert vec.users == users == pool.load(0)
    assert pool.shared_full == 1 and pool.least() == 1
    # It is full: the next one gets another.
    other = pool.get(0)
    assert isinstance(other, Vector) and other is not vec
    pool.add_user(other)
    pool.drop_user(vec)
    pool.drop_user(vec)
    assert pool.get(0) is vec


@pytest.mark.slow
def test_large_ones_take_seconds_at_most() -> None:
    """Nothing is searched one by one: not the vectors of a CPU, not the CPUs, not the entries."""
    begin = time.perf_counter()
    for cpus, size, limit in ((4096, 65536, 8), (1, 65536, 1), (4096, 512, 8)):
        pool = Pool(Machine(cpus, 65536), size, limit)
        for n in range(100_000):
            assert isinstance(pool.get(n % cpus), Vector)
        for _ in range(10_000):
            assert isinstance(pool.get_least(), Vector)
    assert time.perf_counter() - begin < 30
