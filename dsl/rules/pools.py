"""Rules about policies: managed pools, reserves, and what subdevices take from pools."""

from __future__ import annotations

from collections.abc import Iterable

from .. import ast, model
from ..codes import report
from ..diagnostics import Place, nearest, quote
from ..resolve import Block, Scope
from .base import MAX_GUESSES, Found, count

#: Subdevices of a kind.
MAX_SUBDEVICES = 65536


def capacity(scope: Scope, pool: ast.PoolItem) -> int | None:
    """Vectors that a pool can have at most; None where that isn't known."""
    total = 0
    for part in pool.ranges:
        store = scope.by_name.get(part.store.text)
        limit = store.limit if store else None
        first = part.first.value if part.first else None
        if limit is None or first is None:
            return None
        # A special vector at the end of the store is no pool's.
        kept = any(item.at_end and item.store.text == part.store.text for item in scope.vectors)
        last = limit - 1 - kept
        if part.last is not None:
            if part.last.value is None:
                return None
            last = min(last, part.last.value)
        total += max(0, last - first + 1)
    return total


def rule_managed_alone(scope: Scope) -> Found:
    """A managed pool has one vector a queue: nothing is shared, dedicated or kept back."""
    for pool in scope.pools:
        block = Block(pool.items)
        managed = block.first(ast.ManagedItem)
        if managed is None:
            continue
        for word, other in (
            ("share", block.first(ast.ShareItem)),
            ("dedicated", block.first(ast.DedicatedItem)),
            ("reserve", block.first(ast.ReserveItem)),
        ):
            if other is not None:
                yield report(
                    "IMS100",
                    f"`{word}` stands beside `managed`",
                    other.span,
                    hint="a managed pool has one vector a queue: remove one of the two, "
                    "or make two pools over two stores",
                    secondary=[Place(managed.span, "one vector a queue")],
                )


def rule_managed_store(scope: Scope) -> Found:
    """Rule 26: the kernel manages the messages of MSI and MSI-X."""
    for pool in scope.pools:
        managed = Block(pool.items).first(ast.ManagedItem)
        if managed is None:
            continue
        for part in pool.ranges:
            store = scope.by_name.get(part.store.text)
            if store is not None and not store.is_pci:
                kind = store.kind.word
                yield report(
                    "IMS101",
                    f"{quote(pool.name.text)} can't be managed over the {kind} store "
                    f"{quote(store.name)}",
                    part.span,
                    f"a range of the {kind} store",
                    f"{store.kind.unmanaged}: take another store, or `share` or `dedicated`",
                    [Place(managed.span, "one vector a queue, kept on its CPUs by the kernel")],
                )


def rule_managed_range(scope: Scope) -> Found:
    """Managed vectors are made at once: one range, up to the end of its store."""
    for pool in scope.pools:
        managed = Block(pool.items).first(ast.ManagedItem)
        if managed is None:
            continue
        place = [Place(managed.span, "makes all vectors of the pool at once")]
        for part in pool.ranges[1:]:
            yield report(
                "IMS102",
                f"the managed pool {quote(pool.name.text)} has a second range",
                part.span,
                hint="keep one range: Linux makes managed vectors in one go, one behind the other",
                secondary=place,
            )
        part = pool.ranges[0]
        if part.last is not None and part.first is not None:
            start = f"[{part.first.value}..]" if part.first.value else ""
            yield report(
                "IMS102",
                f"the managed pool {quote(pool.name.text)} ends before its store",
                part.span,
                hint=f"write `{part.store.text}{start}`; how many queues there are, "
                "the driver says",
                secondary=place,
            )


def rule_managed_only(scope: Scope) -> Found:
    """No other pool takes vectors of a managed pool's store."""
    owners: dict[str, ast.PoolItem] = {}
    for pool in scope.pools:
        store = pool.ranges[0].store.text
        if store in scope.by_name and Block(pool.items).first(ast.ManagedItem) is not None:
            owners.setdefault(store, pool)
    for pool in scope.pools:
        for part in pool.ranges:
            owner = owners.get(part.store.text, pool)
            if owner is not pool:
                yield report(
                    "IMS103",
                    f"{quote(pool.name.text)} takes vectors from the store of the managed "
                    f"pool {quote(owner.name.text)}",
                    part.span,
                    f"of {quote(pool.name.text)}",
                    "give the whole store to one of the two",
                    [Place(owner.ranges[0].span, f"managed, of {quote(owner.name.text)}")],
                )


def rule_reserve_use(scope: Scope) -> Found:
    """A reserve keeps vectors from being shared, for those who want one alone."""
    for pool in scope.pools:
        block = Block(pool.items)
        reserve = block.first(ast.ReserveItem)
        shares, gives = block.first(ast.ShareItem), block.first(ast.DedicatedItem)
        if reserve is None or block.broken or bool(shares) is bool(gives):
            continue
        if block.first(ast.ManagedItem) is not None:
            continue  # refused as that
        yield report(
            "IMS104",
            f"a reserve in a pool without `{'dedicated' if shares else 'share'}`",
            reserve.span,
            (
                "nobody could ever take what is kept back"
                if shares
                else "nothing is shared, so there is nothing to keep back"
            ),
            f"add `{'dedicated' if shares else 'share per cpu up to 8'};`, or remove the reserve",
        )


def rule_reserve_range(scope: Scope) -> Found:
    """A reserve has vectors, and leaves some."""
    for pool in scope.pools:
        reserve = Block(pool.items).first(ast.ReserveItem)
        size = capacity(scope, pool)
        if reserve is None or reserve.number.value is None:
            continue
        number = reserve.number.value
        if number == 0:
            yield report(
                "IMS105",
                "a reserve of no vectors",
                reserve.number.span,
                hint="remove it, or say how many vectors are never shared",
            )
        elif size and number > size:
            yield report(
                "IMS105",
                f"a reserve of {count(number, 'vector')} is more than the pool can have",
                reserve.number.span,
                hint="lower the reserve, or give the pool more indexes",
                secondary=[
                    Place(pool.ranges[0].span, f"the pool has at most {count(size, 'vector')}")
                ],
            )


def rule_cpus(scope: Scope) -> Found:
    """Which CPUs a pool's vectors belong on is said where the pool chooses them."""
    for pool in scope.pools:
        block = Block(pool.items)
        cpus, share = block.first(ast.CpusItem), block.first(ast.ShareItem)
        managed = block.first(ast.ManagedItem)
        if cpus is None:
            continue
        if managed is not None:
            yield report(
                "IMS106",
                f"{quote(pool.name.text)} can't choose the CPUs of managed vectors",
                cpus.span,
                hint="remove one of the two: the kernel spreads managed vectors over all CPUs",
                secondary=[Place(managed.span, "the kernel chooses the CPUs")],
            )
        elif share is not None and share.policy == "per cpu":
            yield report(
                "IMS106",
                f"{quote(pool.name.text)} can't choose the CPUs of vectors that it has per CPU",
                cpus.span,
                hint="remove it, or write `share least loaded up to N;`: then the pool chooses",
                secondary=[Place(share.span, "the user names the CPU")],
            )


# Subdevices.


def rule_subdevice_maximum(scope: Scope) -> Found:
    """There is one subdevice of a kind at least, and not without limit."""
    for item in scope.subdevices:
        number = item.maximum
        if number.value is not None and not 1 <= number.value <= MAX_SUBDEVICES:
            yield report(
                "IMS110",
                f"there can't be {count(number.value, 'subdevice')}",
                number.span,
                hint=f"a kind has 1 to {MAX_SUBDEVICES:,}",
            )


def rule_subdevice_empty(scope: Scope) -> Found:
    """A subdevice gets vectors."""
    for item in scope.subdevices:
        if not item.items:
            yield report(
                "IMS111",
                f"the subdevice {quote(item.name.text)} gets no vectors",
                item.head,
                hint="write `vector POOL;` or `vectors POOL 1..4;` in its block, or remove it",
            )


def _pools(scope: Scope) -> dict[str, ast.PoolItem]:
    found: dict[str, ast.PoolItem] = {}
    for pool in scope.pools:
        found.setdefault(pool.name.text, pool)
    return found


def _members(item: ast.SubdeviceItem) -> list[ast.MemberItem]:
    return Block(item.items).all(ast.MemberItem)


def rule_member_known(scope: Scope) -> Found:
    """Subdevices take vectors of pools that are there."""
    pools = _pools(scope)
    others = {store.name: "store" for store in scope.stores}
    others |= {item.name.text: "special vector" for item in scope.all_vectors}
    guesses = 0
    for item in scope.subdevices:
        for member in _members(item):
            name = member.pool.text
            if name in pools or scope.lost_pool(name):
                continue
            guesses += 1
            near = nearest(name, pools) if guesses < MAX_GUESSES else None
            known = ", ".join(f"`{pool}`" for pool in list(pools)[:8])
            hint = f"the device's pools: {known}" if known else "write `pool NAME = STORE { ... }`"
            if name in others:
                hint = f"`{name}` is a {others[name]}: make a pool of what subdevices may have"
            elif near:
                hint = f"did you mean `{near}`?"
            yield report("IMS112", f"there is no pool {quote(name)}", member.pool.span, hint=hint)


def rule_member_twice(scope: Scope) -> Found:
    """A subdevice names each pool once."""
    for item in scope.subdevices:
        seen: dict[str, ast.MemberItem] = {}
        for member in _members(item):
            first = seen.setdefault(member.pool.text, member)
            if first is not member:
                yield report(
                    "IMS113",
                    f"{quote(item.name.text)} takes from the pool {quote(member.pool.text)} twice",
                    member.span,
                    "named again here",
                    "say once how many vectors it gets",
                    [Place(first.span, "first named here")],
                )


def rule_member_counts(scope: Scope) -> Found:
    """A subdevice gets one vector of a pool at least, and not more than a domain has."""
    for item in scope.subdevices:
        for member in _members(item):
            low = member.minimum.value if member.minimum else None
            high = member.maximum.value if member.maximum else None
            if member.minimum is None or member.maximum is None or low is None or high is None:
                continue
            name = member.pool.text
            if low > high:
                message, hint = (
                    f"a minimum of {low:,} above a maximum of {high:,}",
                    f"write `vectors {name} {high}..{low};`",
                )
                span = member.span
            elif low == 0:
                message, span = "a minimum of 0 vectors", member.minimum.span
                hint = f"write `vectors {name} 1..{max(high, 1)};`, or leave the pool out"
            elif high > model.MAX_INDEXES:
                message, span = f"{count(high, 'vector')} are too many", member.maximum.span
                hint = f"an MSI domain holds {model.MAX_INDEXES:,}"
            else:
                continue
            yield report("IMS114", message, span, hint=hint)


def rule_member_managed(scope: Scope) -> Found:
    """Vectors of a managed pool belong to the queues of the device itself."""
    pools = _pools(scope)
    for item in scope.subdevices:
        for member in _members(item):
            pool = pools.get(member.pool.text)
            managed = Block(pool.items).first(ast.ManagedItem) if pool else None
            if managed is not None:
                yield report(
                    "IMS115",
                    f"{quote(item.name.text)} can't have vectors of the managed pool "
                    f"{quote(member.pool.text)}",
                    member.span,
                    "taken while the device works",
                    "take them from a pool that shares, or that hands out dedicated ones",
                    [Place(managed.span, "made at once, one for each queue of the device")],
                )


def _alone(pool: ast.PoolItem) -> bool:
    """Whether a pool hands out dedicated vectors only."""
    block = Block(pool.items)
    return bool(block.first(ast.DedicatedItem)) and not (block.first(ast.ShareItem) or block.broken)


def rule_member_minimum(scope: Scope) -> Found:
    """What hands out dedicated vectors only has enough of them, for one subdevice and for all."""
    pools = _pools(scope)
    for item in scope.subdevices:
        for member in _members(item):
            pool = pools.get(member.pool.text)
            size = capacity(scope, pool) if pool else None
            low = 1 if member.minimum is None else member.minimum.value
            if pool is None or not size or not low or not _alone(pool):
                continue
            place = Place(pool.head, f"has at most {count(size, 'vector')}, none of them shared")
            all_of_them = low * (item.maximum.value or 0)
            if low > size:
                yield report(
                    "IMS116",
                    f"{quote(pool.name.text)} can't give {count(low, 'vector')}",
                    member.span,
                    "so no subdevice could ever start",
                    "lower the minimum, let the pool share, or give it more indexes",
                    [place],
                )
            elif all_of_them > size:
                yield report(
                    "IMS118",
                    f"{quote(pool.name.text)} has not enough vectors for all subdevices",
                    member.span,
                    f"{count(item.maximum.value or 0, 'subdevice')} need {all_of_them:,}",
                    "let the pool share too, or lower what `max` says",
                    [place],
                )


def _needed_cookie(
    scope: Scope, ranges: Iterable[ast.RangeItem]
) -> tuple[ast.RangeItem, ast.Word] | None:
    """The first cookie that is always needed for a vector of ranges, and where it comes in."""
    for part in ranges:
        store = scope.by_name.get(part.store.text)
        if store is None:
            continue
        fields = store.slot.fields.all(ast.CookieItem) if store.slot else []
        needed = [item.name for item in fields if not item.optional]
        needed += [i.name for i in store.block.all(ast.CommandCookieItem) if not i.optional]
        if needed:
            return part, needed[0]
    return None


def rule_cookie_given(scope: Scope) -> Found:
    """Rule 30: a special vector has no cookie to give."""
    for vector in scope.vectors:
        part = ast.RangeItem(vector.store, vector.number, vector.last, vector.place)
        needed = _needed_cookie(scope, (part,))
        if needed is not None:
            yield report(
                "IMS079",
                f"the vector {quote(vector.name.text)} needs the cookie {quote(needed[1].text)}",
                vector.place,
                "no cookie is given here",
                "make the cookie `optional` if the device can do without, or use another store",
                [Place(needed[1].span, "given at allocation")],
            )


def rule_cookie_one(scope: Scope) -> Found:
    """Rule 49: a pool takes one cookie, whichever store its vector is from."""
    for pool in scope.pools:
        first: ast.RangeItem | None = None
        for part in pool.ranges:
            store = scope.by_name.get(part.store.text)
            if store is None:
                continue
            fields = store.slot.fields.all(ast.CookieItem) if store.slot else []
            if not fields and not store.block.all(ast.CommandCookieItem):
                continue
            if first is None or first.store.text == part.store.text:
                first = first or part
                continue
            yield report(
                "IMS137",
                f"the pool {quote(pool.name.text)} is over two stores with cookies",
                part.span,
                f"{quote(store.name)} has cookies",
                "make a pool for each of the two stores, or leave the cookies of one out",
                [Place(first.span, f"{quote(first.store.text)} has cookies, too")],
            )
            break


def rule_msi_first(scope: Scope) -> Found:
    """All messages of MSI are made of that of index 0, which is gone when that one is freed."""
    for pool in scope.pools:
        if Block(pool.items).first(ast.ManagedItem):
            continue
        for part in pool.ranges:
            store = scope.by_name.get(part.store.text)
            first = part.first.value if part.first else 0
            if store is None or store.item.kind != "msi" or first != 0:
                continue
            others = [v for v in scope.vectors if v.store.text == store.name]
            parts = [r for other in scope.pools for r in other.ranges if r.store.text == store.name]
            if part.last is None or part.last.value != 0 or others or len(parts) > 1:
                yield report(
                    "IMS107",
                    f"the pool {quote(pool.name.text)} has index 0 of MSI",
                    part.span,
                    "its message is that of all",
                    "give index 0 to a vector, which is freed last, and start the range behind it: "
                    f"`{store.name}[1..]`",
                    [Place(store.item.span, "the MSI messages")],
                )
