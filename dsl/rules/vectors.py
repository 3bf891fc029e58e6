"""Rules about special vectors and pools: who gets which index of which store."""

from __future__ import annotations

from bisect import bisect_right

from .. import ast
from ..codes import report
from ..diagnostics import Place, nearest, quote
from ..resolve import Block, Scope, Store
from .base import MAX_GUESSES, Found, count

#: Users of one shared vector.
MAX_SHARE = 65536


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
    if store.is_pci:
        return Place(store.item.span, f"has at most {limit:,} {store.kind.indexes}")
    if store.slots is None:
        return Place(store.tables[0].span, f"{count(limit, 'slot')} in all, 0 to {limit - 1}")
    most = "at most " if store.runtime else ""
    return Place(store.slots.span, f"{most}{count(limit, 'slot')}, 0 to {limit - 1}")


def rule_vector_inside(scope: Scope) -> Found:
    """A special vector's index is one that its store has."""
    for item in scope.vectors:
        known = _limit(scope, item.store)
        if known and item.number.value is not None and item.number.value >= known[1]:
            yield report(
                "IMS070",
                f"{quote(item.name.text)} is outside its store",
                item.place,
                f"there is no index {item.number.value:,}",
                "indexes count from 0",
                [_size_place(*known)],
            )


def rule_vector_twice(scope: Scope) -> Found:
    """No two special vectors have one index."""
    seen: dict[tuple[str, int], ast.VectorItem] = {}
    for item in scope.vectors:
        if item.number.value is None:
            continue
        first = seen.setdefault((item.store.text, item.number.value), item)
        if first is not item:
            yield report(
                "IMS071",
                f"{quote(item.name.text)} and {quote(first.name.text)} have the same index",
                item.place,
                f"used again here, for {quote(item.name.text)}",
                "give one of the two another index",
                [Place(first.place, f"first used here, for {quote(first.name.text)}")],
            )


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
        ranges, index = by_store.get(vector.store.text, []), vector.number.value
        known = _limit(scope, vector.store)
        if index is None or (known and index >= known[1]):
            continue
        at = bisect_right(ranges, index, key=lambda item: item[0]) - 1
        if at < 0 or ranges[at][1] < index:
            continue
        _, last, pool, part = ranges[at]
        hint = "give the vector an index outside the pool's ranges"
        if part.first and part.first.value == index and last > index:
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
