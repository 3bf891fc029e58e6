"""Rules about special vectors and pools: who gets which index of which store."""

from __future__ import annotations

from bisect import bisect_right

from .. import ast
from ..codes import report
from ..diagnostics import Diagnostic, Place, nearest, quote
from ..resolve import Block, Scope, Store
from ..source import Span
from .base import MAX_GUESSES, Found, count

#: Users of one shared vector.
MAX_SHARE = 65536

#: Vectors of one array.
MAX_ARRAY = 2048


def rule_store_known(scope: Scope) -> Found:
    """Vectors and pools name stores that are there."""
    uses = [item.store for item in scope.vectors]
    uses += [part.store for pool in scope.pools for part in pool.ranges]
    known = ", ".join(f"`{name}`" for name in list(scope.by_name)[:8])
    usual = f"the device's stores: {known}" if known else "write `store NAME: msix;` first"
    hints: dict[str, str] = {}
    for word in sorted(uses, key=lambda item: item.span.start):
        if word.text in scope.by_name or scope.lost_store(word.text):
            continue
        if word.text not in hints:
            near = nearest(word.text, scope.by_name) if len(hints) < MAX_GUESSES else None
            hints[word.text] = f"did you mean `{near}`?" if near else usual
        yield report(
            "IMS027",
            f"there is no store {quote(word.text)}",
            word.span,
            hint=hints[word.text],
        )


def _limit(scope: Scope, word: ast.Word) -> tuple[Store, int] | None:
    store = scope.by_name.get(word.text)
    limit = store.limit if store else None
    return (store, limit) if store and limit else None


def _size_place(store: Store, limit: int) -> Place:
    if store.is_pci and store.slots is None:
        return Place(store.item.span, f"has at most {limit:,} {store.kind.indexes}")
    if store.slots is None:
        return Place(store.tables[0].span, f"{count(limit, 'slot')} in all, 0 to {limit - 1}")
    if store.is_pci:
        return Place(store.slots.span, f"indexes 0 to {limit - 1:,}")
    most = "at most " if store.runtime else ""
    return Place(store.slots.span, f"{most}{count(limit, 'slot')}, 0 to {limit - 1}")


def _indexes(item: ast.VectorItem) -> tuple[int, int] | None:
    """First and last index that a special vector can have; None where that makes no sense."""
    first, last = item.number.value, (item.last or item.number).value
    if first is None or last is None or last < first:
        return None
    return (0 if item.runtime else first), last


def rule_array(scope: Scope) -> Found:
    """An array has as many vectors as indexes."""
    for item in scope.vectors:
        if item.size is None or item.last is None:
            continue
        first, last, number = item.number.value, item.last.value, item.size.value
        if first is None or last is None or number is None:
            continue
        if last < first:
            yield report(
                "IMS073",
                "this range is reversed",
                item.place,
                f"{first:,} is above {last:,}",
                f"write `{item.store.text}[{last}..{first}]`",
            )
        elif not 1 <= number <= MAX_ARRAY:
            yield report(
                "IMS130",
                f"an array of {count(number, 'vector')}",
                item.size.span,
                hint=f"an array has 1 to {MAX_ARRAY:,}",
            )
        elif number != last - first + 1:
            yield report(
                "IMS130",
                f"an array of {count(number, 'vector')} has "
                f"{last - first + 1:,} {'index' if last == first else 'indexes'}",
                item.place,
                hint=f"write `{item.store.text}[{first}..{first + number - 1}]`, "
                f"or `{item.name.text}[{last - first + 1}]`",
                secondary=[Place(item.size.span, "how many there are")],
            )


def rule_runtime(scope: Scope) -> Found:
    """The driver passes indexes of MSI and MSI-X: two of them may turn out to be one."""
    for item in scope.vectors:
        store = scope.by_name.get(item.store.text)
        if item.runtime and store is not None and not store.is_pci:
            yield report(
                "IMS131",
                f"{quote(item.name.text)} has an index known at run time in the {store.kind.word} "
                f"store {quote(store.name)}",
                item.place,
                hint="write its index; only MSI and MSI-X have vectors at indexes that the "
                "driver passes",
                secondary=[Place(store.item.head, "not of the PCI core")],
            )


def rule_runtime_context(scope: Scope) -> Found:
    """Where two indexes may turn out to be one, handlers can share an interrupt."""
    first: dict[str, ast.VectorItem] = {}
    widest: dict[str, tuple[int, ast.VectorItem]] = {}
    for item in scope.vectors:
        indexes, store = _indexes(item), item.store.text
        if item.runtime and indexes:
            first.setdefault(store, item)
            if store not in widest or widest[store][0] < indexes[1]:
                widest[store] = (indexes[1], item)
    for item in scope.vectors:
        indexes, store = _indexes(item), item.store.text
        if indexes is None or store not in first or indexes[0] > widest[store][0]:
            continue
        other = first[store] if item.runtime else widest[store][1]
        if (item.context == "oneshot") != (other.context == "oneshot"):
            yield _unshared(item.name, item.span, item.context, other)


def _unshared(name: ast.Word, span: Span, context: str, other: ast.VectorItem) -> Diagnostic:
    return report(
        "IMS134",
        f"{quote(name.text)} and {quote(other.name.text)} can't share an interrupt",
        span,
        f"its handler is {context}",
        "make both `oneshot`, or none of them",
        [Place(other.span, f"its handler is {other.context}")],
    )


def rule_optional(scope: Scope) -> Found:
    """What there may be fewer of stands at the end: behind what is needed, and in no pool's way."""
    pools = {part.store.text: part for pool in scope.pools for part in pool.ranges}
    for item in scope.vectors:
        store = scope.by_name.get(item.store.text)
        if not item.optional or store is None:
            continue
        needed = [
            other
            for other in scope.vectors
            if other.store.text == item.store.text and not (other.optional or other.runtime)
        ]
        behind = next((o for o in needed if (o.number.value or 0) > (item.number.value or 0)), None)
        if not store.is_pci:
            place, why = Place(store.item.head, "not of the PCI core"), "an IMS store has them all"
            if store.kind.platform:
                why = "all messages are allocated at once"
        elif store.name in pools:
            place, why = Place(pools[store.name].span, "a pool's"), "the pool has what is there"
        elif behind is not None:
            place, why = Place(behind.place, "not optional"), "vectors are granted from 0 on"
        else:
            continue
        yield report(
            "IMS132",
            f"{quote(item.name.text)} can't be optional",
            item.place,
            why,
            "remove `optional`, or give it an index behind all others of a store without a pool",
            [place],
        )


def rule_shared(scope: Scope) -> Found:
    """Two purposes share a special vector's interrupt, and handlers that can."""
    vectors = {item.name.text: item for item in reversed(scope.vectors)}
    others = {item.name.text: "shares one itself" for item in scope.shared}
    others |= {pool.name.text: "is a pool" for pool in scope.pools}
    guesses = 0
    for item in scope.shared:
        name = item.vector.text
        vector = vectors.get(name)
        if vector is None and not scope.block.may_have("vector"):
            guesses += 1
            near = nearest(name, vectors) if guesses < MAX_GUESSES else None
            hint = f"did you mean `{near}`?" if near else "name a vector which has an index"
            if name in scope.by_name:
                hint = f"`{name}` is a store: write `{name}[0]`"
            elif name in others:
                hint = f"`{name}` {others[name]}: name a vector which has an index"
            yield report("IMS133", f"there is no vector {quote(name)}", item.vector.span, hint=hint)
        elif vector is not None and vector.size is not None:
            yield report(
                "IMS133",
                f"{quote(name)} is an array of vectors",
                item.vector.span,
                hint="name a vector which has one index",
                secondary=[Place(vector.place, "several indexes")],
            )
        elif vector is not None and (item.context == "oneshot") != (vector.context == "oneshot"):
            yield _unshared(item.name, item.span, item.context, vector)


def _is_at(item: ast.VectorItem, store: str, index: int | None) -> bool:
    """Whether a vector always has an index of a store, by itself or in an array."""
    indexes = None if item.runtime or item.at_end else _indexes(item)
    if indexes is None or index is None or item.store.text != store:
        return False
    return indexes[0] <= index <= indexes[1]


def _ends(bounds: tuple[int, float]) -> tuple[float, ...]:
    """The index that a range ends with; where that is left out, the one it can't begin with."""
    return (bounds[0],) if bounds[1] == float("inf") else (bounds[1],)


def rule_last(scope: Scope) -> Found:
    """One vector is at the end of a store, whose pools have what is before it."""
    parts = [(pool, part) for pool in scope.pools for part in pool.ranges]
    seen: dict[str, ast.VectorItem] = {}
    for item in scope.vectors:
        if not item.at_end or item.store.text not in scope.by_name:
            continue
        first = seen.setdefault(item.store.text, item)
        mine = [(pool, part) for pool, part in parts if part.store.text == item.store.text]
        managed = next((p for p, _ in mine if Block(p.items).first(ast.ManagedItem)), None)
        known = _limit(scope, item.store)
        end = known[1] - 1 if known else None
        fixed = next(
            (other for other in scope.vectors if _is_at(other, item.store.text, end)), None
        )
        other = first if first is not item else fixed
        # A range is up to the vector where it leaves its end out, but then begins before it.
        reach = next(
            (part for _, part in mine if (bounds := _bounds(part)) and end in _ends(bounds)), None
        )
        if other is not None:
            share = not (item.size or other.size)
            yield report(
                "IMS071",
                f"{quote(item.name.text)} and {quote(other.name.text)} have the same index",
                item.place,
                f"used again here, for {quote(item.name.text)}",
                (
                    f"have them share it: `vector {item.name.text} = {other.name.text};`"
                    if share
                    else "give one of the two another index"
                ),
                [Place(other.place, f"first used here, for {quote(other.name.text)}")],
            )
        elif reach is not None:
            yield report(
                "IMS072",
                f"{quote(item.name.text)} can be inside a pool",
                item.place,
                "a special vector",
                "end the range before it, or leave its end out: `[A..]` is up to that vector",
                [Place(reach.span, "has the last index")],
            )
        elif managed is not None or not (mine or scope.block.may_have("pool")):
            yield report(
                "IMS135",
                f"{quote(item.name.text)} has the last index of a store "
                + ("that a managed pool fills" if managed else "without a pool"),
                item.place,
                hint="write its index",
                secondary=[Place(managed.head, "up to the end")] if managed else [],
            )


def rule_vector_inside(scope: Scope) -> Found:
    """A special vector's index is one that its store has."""
    for item in scope.vectors:
        known, indexes = _limit(scope, item.store), _indexes(item)
        if known and indexes and indexes[1] >= known[1]:
            yield report(
                "IMS070",
                f"{quote(item.name.text)} is outside its store",
                item.place,
                f"there is no index {indexes[1]:,}",
                "indexes count from 0",
                [_size_place(*known)],
            )


def rule_vector_twice(scope: Scope) -> Found:
    """No two special vectors have one index, but where the driver passes it."""
    by_store: dict[str, list[tuple[int, int, ast.VectorItem]]] = {}
    for item in scope.vectors:
        indexes = _indexes(item)
        if indexes and not item.runtime:
            by_store.setdefault(item.store.text, []).append((*indexes, item))
    for taken in by_store.values():
        taken.sort(key=lambda one: (one[0], one[2].span.start))
        reach = taken[0]
        for one in taken[1:]:
            if one[0] <= reach[1]:
                first, again = sorted((reach[2], one[2]), key=lambda item: item.span.start)
                share = f", or have them share it: `vector {again.name.text} = {first.name.text};`"
                yield report(
                    "IMS071",
                    f"{quote(again.name.text)} and {quote(first.name.text)} have the same index",
                    again.place,
                    f"used again here, for {quote(again.name.text)}",
                    "give one of the two another index"
                    + ("" if first.size or again.size else share),
                    [Place(first.place, f"first used here, for {quote(first.name.text)}")],
                )
            if one[1] > reach[1]:
                reach = one


def _bounds(item: ast.RangeItem) -> tuple[int, float] | None:
    """First and last index of a range; None where that isn't known or makes no sense."""
    if item.first is None or item.first.value is None:
        return None
    if item.last is None:
        return item.first.value, float("inf")
    if item.last.value is None or item.last.value < item.first.value:
        return None
    return item.first.value, item.last.value


def _ranges(
    scope: Scope,
) -> dict[str, list[tuple[int, float, ast.PoolItem, ast.RangeItem]]]:
    """By store, the ranges of all pools as first index, last index, pool, range; sorted."""
    found: dict[str, list[tuple[int, float, ast.PoolItem, ast.RangeItem]]] = {}
    for pool in scope.pools:
        for part in pool.ranges:
            bounds = _bounds(part)
            if bounds:
                found.setdefault(part.store.text, []).append((*bounds, pool, part))
    for ranges in found.values():
        ranges.sort(key=lambda item: (item[0], item[3].span.start))
    return found


def rule_vector_in_pool(scope: Scope) -> Found:
    """No special vector is one that a pool may hand out."""
    by_store = _ranges(scope)
    for ranges in by_store.values():
        # The range that reaches furthest of all that start no later.
        for number in range(1, len(ranges)):
            if ranges[number - 1][1] > ranges[number][1]:
                ranges[number] = (ranges[number][0], *ranges[number - 1][1:])
    for vector in scope.vectors:
        ranges, indexes = by_store.get(vector.store.text, []), _indexes(vector)
        known = _limit(scope, vector.store)
        if indexes is None or (known and indexes[1] >= known[1]):
            continue
        index = indexes[1]
        at = bisect_right(ranges, index, key=lambda item: item[0]) - 1
        if at < 0 or ranges[at][1] < indexes[0]:
            continue
        _, last, pool, part = ranges[at]
        hint = "give the vector an index outside the pool's ranges"
        if part.first and indexes[0] <= (part.first.value or 0) and last > index:
            end = "" if part.last is None else int(last)
            hint = f"start the range behind it: `{part.store.text}[{index + 1}..{end}]`"
        yield report(
            "IMS072",
            f"{quote(vector.name.text)} is inside the pool {quote(pool.name.text)}",
            vector.place,
            "a special vector",
            hint,
            [Place(part.span, "the pool hands this out")],
        )


def rule_range_order(scope: Scope) -> Found:
    """Ranges go upwards."""
    for pool in scope.pools:
        for part in pool.ranges:
            first = part.first.value if part.first else None
            last = part.last.value if part.last else None
            if first is not None and last is not None and last < first:
                yield report(
                    "IMS073",
                    "this range is reversed",
                    part.span,
                    f"{first:,} is above {last:,}",
                    f"write `{part.store.text}[{last}..{first}]`",
                )


def rule_range_inside(scope: Scope) -> Found:
    """Every index of a range is one that its store may have."""
    for pool in scope.pools:
        for part in pool.ranges:
            known, bounds = _limit(scope, part.store), _bounds(part)
            if known is None or bounds is None:
                continue
            last = bounds[0] if part.last is None else bounds[1]
            if last >= known[1]:
                yield report(
                    "IMS074",
                    f"vectors of {quote(pool.name.text)} can never be reached",
                    part.span,
                    f"there is no index {last:,}",
                    "end the range where the store ends, or write `[A..]`",
                    [_size_place(*known)],
                )


def rule_range_overlap(scope: Scope) -> Found:
    """An index belongs to one range of one pool."""
    for ranges in _ranges(scope).values():
        reach = ranges[0]
        for item in ranges[1:]:
            if item[0] <= reach[1]:
                first, second = sorted((reach, item), key=lambda one: one[3].span.start)
                same = first[2] is second[2]
                yield report(
                    "IMS075",
                    f"two ranges of `{item[3].store.text}` overlap",
                    second[3].span,
                    "" if same else f"of {quote(second[2].name.text)}",
                    "let each index belong to one range",
                    [
                        Place(
                            first[3].span,
                            "" if same else f"of {quote(first[2].name.text)}",
                        )
                    ],
                )
            if item[1] > reach[1]:
                reach = item


def rule_pool_policy(scope: Scope) -> Found:
    """A pool hands out its vectors in at least one way."""
    for pool in scope.pools:
        block = Block(pool.items)
        if any(block.first(kind) for kind in (ast.ShareItem, ast.DedicatedItem, ast.ManagedItem)):
            continue
        if not block.broken:
            yield report(
                "IMS076",
                f"the pool {quote(pool.name.text)} hands out nothing",
                pool.head,
                hint="write `share per cpu up to 8;`, `dedicated;`, or both; or `managed;`",
            )


def rule_share_limit(scope: Scope) -> Found:
    """A shared vector has users, and not without limit."""
    for pool in scope.pools:
        for item in Block(pool.items).all(ast.ShareItem):
            limit = item.limit.value
            if limit is not None and not 1 <= limit <= MAX_SHARE:
                yield report(
                    "IMS077",
                    f"{count(limit, 'user')} can't share a vector",
                    item.limit.span,
                    hint=f"the limit is 1 to {MAX_SHARE:,}",
                )


def rule_store_used(scope: Scope) -> Found:
    """A store that nothing uses is worth a word."""
    used = {item.store.text for item in scope.vectors}
    used |= {part.store.text for pool in scope.pools for part in pool.ranges}
    if not used <= scope.by_name.keys():
        return  # the unknown one may be a slip for the unused one
    if not used or scope.block.may_have("vector", "pool"):
        return
    for store in scope.by_name.values():
        if store.name not in used:
            yield report(
                "IMS078",
                f"nothing uses the store {quote(store.name)}",
                store.item.head,
                hint="take a vector or a pool's range from it, or remove it",
            )
