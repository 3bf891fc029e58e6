"""What comes of a device's pools: the sums are right, and what runs out is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl import load
from imsgen.dsl.model import Device, Member, Pool, SharePolicy, Sharing, Subdevice
from imsgen.generator.simulator.pool import FullCpu
from imsgen.generator.simulator.run import (
    Event,
    Outcome,
    Setup,
    SimulationError,
    simulate,
    wanted_of,
)

SMALL = """device foo "Small thing" {
    pci 1b36:0042;
    store table: msix;
    store ims: iomem {
        bar 0; offset 0; slots runtime max 40;
        slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } }
    }
    vector done = table[0];
    pool wq = table[1..4] + ims { share per cpu up to 2; dedicated; }
}
"""


def device(path: Path, **changes: object) -> Device:
    """The small device, its pool changed."""
    result = load(path / "foo.ims", SMALL.encode())
    (found,) = result.devices
    pool = found.pools[0]
    fields = {name: value for name, value in changes.items() if name != "least"}
    if changes.get("least"):
        assert pool.sharing
        fields["sharing"] = replace(pool.sharing, policy=SharePolicy.LEAST_LOADED)
    return replace(found, pools=(replace(pool, **fields),))


def with_subdevices(path: Path, maximum: int, low: int, high: int) -> Device:
    """The same with subdevices: one vector of a small pool, and some of the other."""
    found = device(path)
    wq = found.pools[0]
    ctrl = Pool("ctrl", "", wq.ranges[:1], Sharing(8, wq.span), dedicated=False, span=wq.span)
    wq = replace(wq, ranges=wq.ranges[1:])
    members = (
        Member("ctrl", 1, 1, True, wq.span),
        Member("wq", low, high, False, wq.span),
    )
    kind = Subdevice("sf", maximum, members, wq.span)
    return replace(found, pools=(wq, ctrl), subdevices=(kind,))


def events(outcome: Outcome) -> list[tuple[str, int]]:
    return [(event.kind, event.number) for event in outcome.pools[0].events]


def test_the_stores_run_out(tmp_path: Path) -> None:
    outcome = simulate(device(tmp_path), Setup(cpus=2, queues=100))
    (pool,) = outcome.pools
    assert [(part.store, part.entries, part.used) for part in pool.parts] == [
        ("table", 4, 4),
        ("ims", 40, 40),
    ]
    assert events(outcome) == [("store", 9), ("entries", 89), ("shared", 89)]
    assert (pool.served, pool.own_cpu, pool.over_limit, pool.other_cpu) == (100, 88, 12, 0)
    assert pool.users and (pool.users.minimum, pool.users.maximum) == (2, 3)


def test_a_cpu_runs_out(tmp_path: Path) -> None:
    # The special vector is on CPU 0, so that is out first; its queues share from then on.
    setup = Setup(cpus=4, queues=100, vectors_per_cpu=3)
    outcome = simulate(device(tmp_path), setup)
    (pool,) = outcome.pools
    assert pool.events == (
        Event("store", 9, store="table"),
        Event("cpu", 17, 0),
        Event("shared", 17, 0),
        Event("cpu vectors", 22),
    )
    assert (pool.moved, pool.elsewhere) == (0, 1)
    assert pool.vectors == 11 and pool.served == 100
    assert pool.per_cpu.minimum == 2 and pool.per_cpu.maximum == 3
    outcome = simulate(device(tmp_path), replace(setup, full_cpu=FullCpu.FAIL))
    (pool,) = outcome.pools
    assert Event("cpu vectors", 17, 0) in pool.events
    # For a second nobody makes a vector, so the other CPUs get theirs no more.
    assert pool.vectors < 11 and pool.served == 100


def test_reserve_keeps_entries_for_owners(tmp_path: Path) -> None:
    without = simulate(device(tmp_path), Setup(cpus=2, queues=500, dedicated=6)).pools[0]
    assert (without.dedicated_wanted, without.dedicated_got) == (6, 0)
    outcome = simulate(device(tmp_path, reserve=5), Setup(cpus=2, queues=500, dedicated=6))
    assert outcome.pools[0].dedicated_got == 5
    assert events(outcome)[1:] == [("reserve", 78), ("shared", 78), ("dedicated", 6)]


def test_the_parent_runs_out(tmp_path: Path) -> None:
    outcome = simulate(device(tmp_path), Setup(cpus=2, queues=50, interrupts=3))
    assert outcome.pools[0].vectors == 2
    assert outcome.pools[0].first == Event("interrupts", 5)
    with pytest.raises(SimulationError, match="special vector done"):
        simulate(device(tmp_path), Setup(cpus=2, queues=50, interrupts=0))


def test_dedicated_and_managed(tmp_path: Path) -> None:
    outcome = simulate(device(tmp_path), Setup(cpus=3, queues=60, compare=True))
    per_cpu, least, dedicated, managed = outcome.compared
    assert per_cpu.served == least.served == 60 and per_cpu.own_cpu == least.own_cpu == 60
    assert (dedicated.served, dedicated.failed) == (44, 16)
    assert dedicated.events[1:] == (Event("entries", 45), Event("failed", 45, 2))
    assert (managed.served, managed.first) == (3, Event("cpus", 4))
    assert managed.per_cpu.minimum == managed.per_cpu.maximum == 1


def test_sizes(tmp_path: Path) -> None:
    foo = device(tmp_path)
    small = simulate(foo, Setup(cpus=2, queues=5, slots=7, msix=3)).pools[0]
    assert [part.entries for part in small.parts] == [2, 7]
    named = simulate(foo, Setup(cpus=2, queues=5, slots=7, named=(("ims", 9),))).pools[0]
    assert named.parts[1].entries == 9
    for setup, text in (
        (Setup(cpus=2, queues=5, slots=41), "ims has at most 40"),
        (Setup(cpus=2, queues=5, msix=2049), "table has at most 2048"),
        (Setup(cpus=2, queues=5, msi=1), "--msi: foo has no store"),
        (Setup(cpus=2, queues=5, named=(("table", 1),)), "--slots: foo has no store"),
        (Setup(cpus=2, queues=5, msix=0, slots=0), "pool wq has no vectors"),
        (Setup(cpus=2, queues=5, pools=("no",)), "no pool no, but wq"),
        (Setup(cpus=2, queues=5, subdevices=(("", 1),)), "no subdevices"),
    ):
        with pytest.raises(SimulationError, match=text):
            simulate(foo, setup)


def test_subdevices(tmp_path: Path) -> None:
    outcome = simulate(
        with_subdevices(tmp_path, 8, 2, 4), Setup(cpus=4, queues=40, subdevices=(("", 10),))
    )
    (sub,) = outcome.subdevices
    assert (sub.created, sub.failed, sub.fewer) == (8, 2, 0)
    assert (sub.vectors.minimum, sub.vectors.maximum) == (5, 5)
    wq, ctrl = outcome.pools
    assert (wq.pool, wq.served, wq.vectors) == ("wq", 32, 16)
    assert wq.per_cpu.minimum == wq.per_cpu.maximum == 4
    assert (ctrl.served, ctrl.vectors) == (8, 4)
    assert Event("subdevices", 9) in wq.events
    with pytest.raises(SimulationError, match="goes with none"):
        simulate(
            with_subdevices(tmp_path, 8, 2, 4),
            Setup(cpus=4, queues=40, subdevices=(("", 10),), compare=True),
        )


def test_more_queues_than_vectors_count(tmp_path: Path) -> None:
    """A subdevice has one reference to a vector, but its pool counts each queue which attaches."""
    setup = Setup(cpus=4, queues=24, subdevices=(("", 2),))
    outcome = simulate(with_subdevices(tmp_path, 8, 2, 4), setup)
    wq, ctrl = outcome.pools
    # 12 queues on 4 vectors of the first: 3 each, though 2 are the limit, and so for the second.
    assert (wq.queues, wq.served, wq.vectors, wq.shared_full) == (24, 24, 8, 8)
    assert wq.users and (wq.users.minimum, wq.users.maximum) == (3, 3)
    assert (wq.own_cpu, wq.over_limit) == (16, 8)
    assert ctrl.served == 2


def test_subdevices_share_before_they_fail(tmp_path: Path) -> None:
    setup = Setup(cpus=4, queues=800, subdevices=(("", 100),), slots=3)
    outcome = simulate(with_subdevices(tmp_path, 1000, 2, 8), setup)
    assert outcome.subdevices[0].created == 100
    assert outcome.pools[0].served == 800 and outcome.pools[0].first == Event("entries", 4)


def test_subdevices_give_all_back(tmp_path: Path) -> None:
    """Dedicated vectors run out in the middle of a subdevice."""
    found = with_subdevices(tmp_path, 1000, 3, 8)
    wq = replace(found.pools[0], sharing=None)
    found = replace(found, pools=(wq, found.pools[1]))
    outcome = simulate(found, Setup(cpus=4, queues=80, subdevices=(("", 10),), slots=10))
    (sub,) = outcome.subdevices
    # The first has 8, of the second's 8 only 2 are left: less than 3, so they go back.
    assert (sub.created, sub.failed) == (1, 9)
    assert outcome.pools[0].vectors == 8
    assert outcome.pools[1].users and outcome.pools[1].users.maximum == 1


def test_kinds_come_in_turn(tmp_path: Path) -> None:
    """Both take of one pool, on one machine; what there can't be more of stands behind."""
    found = with_subdevices(tmp_path, 8, 2, 4)
    (sf,) = found.subdevices
    vf = replace(sf, name="vf", maximum=3, members=sf.members[1:])
    found = replace(found, subdevices=(sf, vf))
    setup = Setup(cpus=4, queues=20, subdevices=(("sf", 6), ("vf", 4)), sample=True)
    outcome = simulate(found, setup)
    first, second = outcome.subdevices
    assert (first.kind, first.wanted, first.created, first.failed) == ("sf", 6, 6, 0)
    assert (second.kind, second.wanted, second.created, second.failed) == ("vf", 4, 3, 1)
    wq, ctrl = outcome.pools
    # The fourth vf is the eighth that comes.
    assert Event("subdevices", 8) in wq.events and not ctrl.events
    assert (wq.served, ctrl.served) == (18, 6)
    assert [sample.queue for sample in wq.samples] == list(range(2, 21, 2))
    with pytest.raises(SimulationError, match="no subdevices pf, but sf, vf"):
        simulate(found, replace(setup, subdevices=(("pf", 1),)))


def test_wanted() -> None:
    span = load("foo.ims", SMALL.encode()).devices[0].span
    member = Member("wq", 2, 6, False, span)
    assert [wanted_of(member, n) for n in (0, 1, 2, 5, 6, 7)] == [2, 2, 2, 5, 6, 6]
    assert wanted_of(Member("wq", 1, 1, True, span), 9) == 1


@settings(max_examples=150, deadline=None)
@given(
    cpus=st.integers(1, 9),
    queues=st.integers(1, 300),
    vectors=st.integers(2, 30),
    full=st.sampled_from(FullCpu),
    least=st.booleans(),
    reserve=st.integers(0, 9),
    rate=st.sampled_from((1, 10, 1000)),
)
@pytest.mark.slow
def test_sums(
    tmp_path_factory: pytest.TempPathFactory,
    cpus: int,
    queues: int,
    vectors: int,
    full: FullCpu,
    least: bool,
    reserve: int,
    rate: int,
) -> None:
    foo = device(Path("."), least=least, reserve=reserve)
    setup = Setup(
        cpus=cpus,
        queues=queues,
        vectors_per_cpu=vectors,
        full_cpu=full,
        per_second=rate,
        dedicated=4,
        compare=True,
    )
    outcome = simulate(foo, setup)
    for pool in (*outcome.pools, *outcome.compared):
        assert pool.queues == queues == pool.served + pool.failed
        assert pool.own_cpu <= pool.served <= pool.own_cpu + pool.over_limit + pool.other_cpu
        assert sum(part.used for part in pool.parts) == pool.vectors <= pool.entries
        assert pool.per_cpu.maximum <= vectors
        assert (pool.failed > 0) == any(event.kind == "failed" for event in pool.events)
        shared = pool.over_limit + pool.other_cpu
        assert (shared > 0) == any(event.kind == "shared" for event in pool.events)
        if pool.limit:
            # A shared get never fails while there is a vector, and there is always one.
            assert pool.failed == 0
            if shared:
                assert pool.first
