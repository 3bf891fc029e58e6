"""Who has which index of which store of a device, in words and numbers: for tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imsgen.dsl.kinds import StoreKind, row_of
from imsgen.dsl.model import (
    Context,
    Device,
    PciId,
    Pool,
    SharedVector,
    SharePolicy,
    Size,
    SpecialVector,
    Store,
    Subdevice,
    largest,
    layout_of,
)


@dataclass(frozen=True)
class Piece:
    """Indexes ``first`` to ``last`` of a store, both included, that one owner has or nobody."""

    first: int
    last: int
    #: Name of the vector or pool; empty for a gap.
    owner: str

    @property
    def count(self) -> int:
        """How many they are, at most."""
        return self.last - self.first + 1

    @property
    def indexes(self) -> str:
        """The indexes in words."""
        return span_of(self.first, self.last)


@dataclass(frozen=True)
class StoreChart:
    """A store: what it is, how large, where, and who has its indexes, upwards."""

    name: str
    kind: str
    size: str
    where: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Rule:
    """One way to get a vector of a pool."""

    name: str
    text: str
    #: Whether each CPU has a vector by it, or one CPU has.
    everywhere: bool


@dataclass(frozen=True)
class Owner:
    """A special vector or a pool."""

    name: str
    pool: bool
    purpose: str
    size: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SubdeviceChart:
    """A kind of subdevice: how many there can be, and the vectors of each."""

    name: str
    maximum: str
    #: Numbers of the vectors, and the pool that they are of.
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chart:
    """A device."""

    name: str
    title: str
    facts: tuple[str, ...]
    stores: tuple[StoreChart, ...]
    owners: tuple[Owner, ...]
    subdevices: tuple[SubdeviceChart, ...]

    def sentences(self) -> Iterator[str]:
        """All of it for who can't see it."""
        yield f"{self.name}, {self.title}: {', '.join(self.facts)}."
        for store in self.stores:
            where = f", {store.where}" if store.where else ""
            yield f"Store {store.name}: {store.kind}, {store.size}{where}."
            for piece in store.pieces:
                yield f"{store.name} {piece.indexes}: {piece.owner or 'not used'}."
        for owner in self.owners:
            what = "Pool" if owner.pool else "Vector"
            rules = "".join(f" {rule.name}: {rule.text}." for rule in owner.rules)
            purpose = f" {owner.purpose}," if owner.purpose else ""
            yield f"{what} {owner.name}:{purpose} {owner.size}.{rules}"
        for sub in self.subdevices:
            parts = ", ".join(f"{numbers} of pool {pool}" for numbers, pool in sub.parts)
            yield f"Subdevices {sub.name}, {sub.maximum}, each with vectors {parts}."


def chart_of(device: Device) -> Chart:
    """What a device has.  Pure."""
    return Chart(
        name=device.name,
        title=device.title or device.name,
        facts=tuple(_facts(device)),
        stores=tuple(_store(device, store) for store in device.stores),
        owners=(
            *(_vector(vector) for vector in device.vectors),
            *(_shared(vector) for vector in device.shared),
            *(_pool(device, pool) for pool in device.pools),
        ),
        subdevices=tuple(_subdevice(sub) for sub in device.subdevices),
    )


def span_of(first: int, last: int) -> str:
    """Numbers ``first`` to ``last`` in words."""
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def bytes_of(start: int, size: int) -> str:
    """Bytes ``start`` and on, ``size`` of them, in words."""
    return f"{start:#x} to {start + size - 1:#x}"


def size_of(size: Size, what: str) -> str:
    """A size in words; ``what`` is one of what is counted."""
    most = "up to " if size.runtime else ""
    return f"{most}{size.maximum:,} {what}" + ("s" if size.maximum != 1 else "")


def _facts(device: Device) -> Iterator[str]:
    if device.is_platform:
        yield "platform device " + ", ".join(one.text for one in device.platform_ids)
    else:
        yield "PCI " + ", ".join(map(_id, device.ids))
        yield "interrupt remapping " + ("required" if device.remapping else "optional")
    if device.architectures:
        yield "on " + ", ".join(device.architectures)
    if device.minimum:
        yield f"at least {device.minimum:,} vectors"


def _id(pci: PciId) -> str:
    if pci.pci_class is not None:
        return f"class {pci.pci_class:06x}"
    return f"{pci.vendor or 0:04x}:{pci.device or 0:04x}"


def _store(device: Device, store: Store) -> StoreChart:
    kind = row_of(store)
    words = kind.what(store), _size(store, kind), kind.where(store)
    return StoreChart(store.name, *words, tuple(_pieces(device, store)))


def _size(store: Store, kind: StoreKind) -> str:
    if kind.is_pci or not store.slots:
        return f"{'' if store.slots else 'up to '}{largest(store):,} {kind.indexes}"
    layout = layout_of(store)
    if layout and layout.data is None:
        return size_of(store.slots, "message")
    one = size_of(store.slots, kind.indexes.removesuffix("s"))
    return f"{one} of {layout.stride} bytes" if layout else one


def _pieces(device: Device, store: Store) -> Iterator[Piece]:
    """The indexes of a store with their owners, and the gaps between them."""
    end = largest(store) - 1
    taken = [
        *(
            (v.index, v.last, v.name)
            for v in device.vectors
            if v.store == store.name and not v.runtime
        ),
        *(
            (r.first, device.end(store) - 1 if r.last is None else r.last, pool.name)
            for pool in device.pools
            for r in pool.ranges
            if r.store == store.name
        ),
    ]
    # Where the driver passes an index, it may be any that nobody else has.
    passed = [v for v in device.vectors if v.store == store.name and v.runtime]
    widest = max(passed, key=lambda v: v.index, default=None)
    at = 0
    for first, last, owner in [*sorted(taken), (end + 1, end + 1, "")]:
        if widest is not None and at < first and at <= widest.index:
            yield Piece(at, min(first - 1, widest.index), widest.name)
            at = min(first, widest.index + 1)
        if first > at:
            yield Piece(at, first - 1, "")
        if first <= end:
            yield Piece(first, last, owner)
        at = last + 1


_CONTEXTS = {
    Context.HARD: "handled at once",
    Context.THREADED: "handled in a thread",
    Context.ONESHOT: "handled in a thread, masked until it is done",
}


def _vector(vector: SpecialVector) -> Owner:
    words = [_CONTEXTS[vector.context]]
    if vector.count is not None:
        words.insert(0, f"an array of {vector.count:,}")
    if vector.at_end:
        words.append("at the last index that there is")
    if vector.runtime:
        words.append(f"at an index up to {vector.index:,} which the driver passes")
    if vector.optional:
        words.append("may be missing")
    return Owner(vector.name, False, vector.purpose, ", ".join(words), ())


def _shared(vector: SharedVector) -> Owner:
    words = f"shares {vector.vector}, {_CONTEXTS[vector.context]}"
    return Owner(vector.name, False, vector.purpose, words, ())


def _pool(device: Device, pool: Pool) -> Owner:
    count = sum(
        (device.end(device.store(r.store)) - 1 if r.last is None else r.last) - r.first + 1
        for r in pool.ranges
    )
    size = f"up to {count:,} vector" + ("s" if count != 1 else "")
    return Owner(pool.name, True, pool.purpose, size, tuple(_rules(pool)))


def _rules(pool: Pool) -> Iterator[Rule]:
    if pool.managed:
        yield Rule("managed", "one vector a queue, kept on its CPUs by the kernel", True)
    if pool.sharing:
        users = f"up to {pool.sharing.limit:,} users on a vector"
        who = "each CPU has its own"
        if pool.sharing.policy is SharePolicy.LEAST_LOADED:
            who = "the least loaded CPU"
        yield Rule("shared", f"{who}, {users}", True)
    if pool.dedicated:
        node = ", by default on the device's node" if pool.node else ""
        yield Rule("dedicated", f"a vector for one user alone{node}", False)
    if pool.reserve:
        yield Rule("reserve", f"{pool.reserve:,} are kept from being shared", False)


def _subdevice(sub: Subdevice) -> SubdeviceChart:
    parts = []
    low = high = 0
    for member in sub.members:
        count = "1" if member.single else f"{member.minimum:,} to {member.maximum:,}"
        start = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        parts.append((f"from {start} on: {count}", member.pool))
        low, high = low + member.minimum, high + member.maximum
    return SubdeviceChart(sub.name, f"up to {sub.maximum:,}", tuple(parts))
