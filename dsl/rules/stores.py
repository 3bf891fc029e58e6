"""Rules about the kinds of stores, and about the layouts that stores share."""

from __future__ import annotations

from .. import ast
from ..codes import report
from ..diagnostics import Place, nearest, quote
from ..files import Unit
from ..model import MAX_INDEXES
from ..resolve import BAR_BYTES, Scope, Store, width_of
from ..source import Span
from .base import MAX_GUESSES, Found, again, count
from .slots import alignment

#: Bytes that a memory store changes at once.
PAIR = 8

#: IMS stores that a device has at most.
MAX_STORES = 8


def rule_layout_known(scope: Scope) -> Found:
    """Stores name layouts that are there."""
    known = scope.layouts.by_name
    if scope.layouts.lost:
        return
    usual = "write `slot NAME STRIDE { ... }` outside of the device, or include its file"
    for number, store in enumerate(scope.stores):
        if store.layout is None or store.layout.name.text in known:
            continue
        word = store.layout.name
        near = nearest(word.text, known) if number < MAX_GUESSES else None
        yield report(
            "IMS084",
            f"there is no layout {quote(word.text)}",
            word.span,
            hint=f"did you mean `{near}`?" if near else usual,
        )


def unit_rule_include_twice(unit: Unit, scopes: list[Scope]) -> Found:
    """A file includes another one once."""
    for one in unit.all():
        first: dict[str, ast.IncludeItem] = {}
        for item in one.tree.items:
            if isinstance(item, ast.IncludeItem):
                other = first.setdefault(item.path.value, item)
                if other is not item:
                    yield again("include", item.span, other.span)


def unit_rule_used(unit: Unit, scopes: list[Scope]) -> Found:
    """What a file gives and includes, its devices use; layouts of a family may wait for others."""
    if not scopes:
        return
    layouts = scopes[0].layouts
    used = {store.layout.name.text for scope in scopes for store in scope.stores if store.layout}
    lost = layouts.lost or any(
        scope.block.broken or any(store.block.broken for store in scope.stores) for scope in scopes
    )
    if lost or not used <= layouts.by_name.keys():
        return  # the unused one may be what is meant elsewhere
    for item in unit.layouts:
        if item.name.text not in used:
            yield report(
                "IMS085",
                f"nothing uses the layout {quote(item.name.text)}",
                item.slot.head,
                hint=f"write `slot {item.name.text};` in a store, or remove it",
            )
    seen: set[str] = set()
    for include, inner in unit.includes:
        given = {item.name.text for one in inner.all() for item in one.layouts}
        if given & used or include.path.value in seen:
            continue
        seen.add(include.path.value)
        names = ", ".join(quote(name) for name in sorted(given)[:4])
        more = f" and {len(given) - 4} more" if len(given) > 4 else ""
        yield report(
            "IMS083",
            f"nothing of {quote(include.path.value)} is used",
            include.span,
            f"gives {names}{more}" if given else "gives no layout",
            "remove it",
        )


def rule_isolated(scope: Scope) -> Found:
    """Rules 7 and 25: command and exported stores need interrupt remapping."""
    optional = next((item for item in scope.remappings if not item.required), None)
    if optional is None:
        return
    for store in scope.stores:
        kind = store.kind.word
        if store.kind.isolation:
            yield report(
                "IMS090",
                f"the {kind} store {quote(store.name)} needs interrupt remapping",
                optional.span,
                "accepts platforms without it",
                f"remove `remapping optional;`: only remapping {store.kind.isolation}",
                [Place(store.item.head, f"the {kind} store")],
            )


def rule_msi_or_msix(scope: Scope) -> Found:
    """Linux drives a function by MSI or by MSI-X."""
    found = {store.item.kind: store for store in reversed(scope.stores) if store.is_pci}
    if len(found) == 2:
        first, second = sorted(found.values(), key=lambda store: store.item.span.start)
        yield report(
            "IMS091",
            "the device has MSI and MSI-X",
            second.item.span,
            hint="keep one of the two, usually MSI-X: Linux enables only one at a time",
            secondary=[Place(first.item.span, "the other one")],
        )


def _layout_place(store: Store, span: Span) -> tuple[Span, list[Place]]:
    """Where to show what a store's slot lacks: where the layout is named, if it is."""
    if store.own_slot is None and store.layout is not None:
        return store.layout.span, [Place(span, "in the layout")]
    return span, []


def rule_memory_stride(scope: Scope) -> Found:
    """Rule 23: slots in memory follow each other at multiples of what is changed at once."""
    for store in scope.stores:
        if not store.kind.pairs or store.slot is None:
            continue
        stride = store.slot.item.stride
        if stride.value is not None and stride.value % 4 == 0 and stride.value % PAIR:
            place, other = _layout_place(store, stride.span)
            yield report(
                "IMS092",
                f"a stride of {count(stride.value, 'byte')} is not a multiple of {PAIR}",
                place,
                "of slots in memory",
                "`address_lo` and `data` of each slot must lie in 8 aligned bytes: "
                f"the next stride is {stride.value // PAIR * PAIR + PAIR}",
                other,
            )


def rule_memory_pair(scope: Scope) -> Found:
    """Rule 23: address_lo and data of a slot in memory are changed by one access."""
    for store in scope.stores:
        slot = store.slot
        if not store.kind.pairs or slot is None:
            continue
        data, low = slot.register("data"), slot.register("address_lo")
        whole = slot.register("address")
        if data is None or (low is None) is (whole is None):
            continue  # reported as that
        address = low or whole
        assert address
        at = address.offset.value
        if whole is not None and at is not None and width_of(whole) == 64 and slot.item.big_endian:
            at += 4  # where the lower half is
        if at is None or data.offset.value is None or width_of(data) not in (16, 32):
            continue
        first, second = sorted((at, data.offset.value))
        if width_of(data) == 16:
            why = "half of 4 bytes would be left over"
        elif second - first != 4:
            why = f"bytes {data.offset.value:,} to {data.offset.value + 3:,}"
        elif first % PAIR:
            why = f"the two are bytes {first:,} to {second + 3:,}"
        else:
            continue
        place, other = _layout_place(store, data.span)
        yield report(
            "IMS093",
            "`address_lo` and `data` can't be changed by one access",
            place,
            why if not other else "",
            "let them fill 8 bytes at a multiple of 8, as in `address_lo @0; data @4;`: "
            "else the device may fetch half a message",
            [
                *other,
                Place(address.span, f"the lower half is bytes {at:,} to {at + 3:,}"),
            ],
        )


def rule_mask_once(scope: Scope) -> Found:
    """A message has one mask bit: in its slot, or in an array."""
    for store in scope.stores:
        if store.mask_bits is None or store.slot is None:
            continue
        mask = store.slot.fields.first(ast.MaskItem)
        if mask is not None:
            yield report(
                "IMS094",
                "each message has two mask bits",
                store.mask_bits.span,
                "in an array",
                "keep the one that the device looks at",
                [Place(mask.span, "in its slot")],
            )


def rule_table_or_offset(scope: Scope) -> Found:
    """One table is said by `offset` and `slots`, several by `table`."""
    for store in scope.stores:
        if not store.tables:
            continue
        for item in (store.offset, store.slots):
            if item is not None:
                yield report(
                    "IMS095",
                    f"`{item.keyword}` stands beside `table`",
                    item.span,
                    hint="keep `offset` and `slots` for one table, or `table` for several",
                    secondary=[Place(store.tables[0].span, "says it too")],
                )


def rule_together(scope: Scope) -> Found:
    """Rule 48: the IMS stores of a device share a domain, and with it the indexes."""
    stores = [store for store in scope.stores if store.kind.is_ims]
    for store in stores[MAX_STORES:]:
        yield report(
            "IMS138",
            f"the device has {len(stores)} IMS stores",
            store.item.head,
            f"one more than {MAX_STORES}" if store is stores[MAX_STORES] else "and one more",
            "make one store of those that are alike: a store of slots can be in several tables",
            [Place(stores[0].item.head, "the first one")],
        )
    total = 0
    for store in stores:
        limit = store.limit
        if limit is None:
            return  # reported as that
        total += limit
        if total > MAX_INDEXES:
            yield report(
                "IMS136",
                f"up to {quote(store.name)}, the IMS stores have {total:,} messages",
                store.item.head,
                count(limit, "message"),
                f"Linux gives a device {MAX_INDEXES:,} indexes beside MSI and MSI-X: "
                "say a lower maximum",
                [Place(stores[0].item.head, "the first one")],
            )
            return


#: A part of a BAR: BAR, first byte, byte behind the last, what it is, where it is said.
_Area = tuple[int, int, int, str, Span]

#: The BAR that the driver passes, among those areas.
_PASSED = -1


def _areas(store: Store) -> list[_Area]:
    """The parts of BARs that a store takes, as far as they are known."""
    found: list[_Area] = []
    # The registers of a platform device are one piece, as a BAR is.
    bar = store.bar.number.value if store.bar and store.bar.number else None
    if store.kind.platform or (store.bar and not store.bar.number):
        bar = _PASSED
    stride = store.slot.item.stride.value if store.slot else None
    limit = store.limit
    if bar is not None and stride is not None:
        offset = store.offset.number if store.offset else None
        if offset and offset.value is not None and limit and store.offset and not store.tables:
            end = offset.value + stride * limit
            found.append((bar, offset.value, end, "the table", store.offset.span))
        for table in store.tables:
            start, slots = table.offset.value, table.slots.value
            if start is not None and slots:
                found.append((bar, start, start + stride * slots, "a table", table.span))
    for place, item in store.places.items():
        size, start = place.size or stride, item.offset.value
        if bar is not None and size is not None and start is not None:
            found.append((bar, start, start + size, f"`{place.word}`", item.span))
    for bits in (store.mask_bits, store.pending):
        if bits is not None and limit and bits.offset.value is not None:
            own = bits.bar.value if bits.bar else bar
            if own is not None and 0 <= own <= 5:
                end = bits.offset.value + (limit + 31) // 32 * 4
                found.append((own, bits.offset.value, end, f"`{bits.keyword}`", bits.span))
    return found


def rule_bits_bar(scope: Scope) -> Found:
    """Arrays of bits name their BAR where the driver passes that of the slots."""
    for store in scope.stores:
        for bits in (store.mask_bits, store.pending):
            if bits and bits.bar is None and store.bar and store.bar.number is None:
                yield report(
                    "IMS140",
                    f"`{bits.keyword}` is in no BAR",
                    bits.span,
                    hint=f"name one, as in `{bits.keyword} bar 2 @{bits.offset.value or 0:#x};`",
                    secondary=[Place(store.bar.span, "which one, the driver says")],
                )


def rule_areas(scope: Scope) -> Found:
    """Tables and arrays of bits don't overlap, of whatever store they are."""
    reach: dict[tuple[int, str], tuple[_Area, Store]] = {}
    areas = [(area, store) for store in scope.stores for area in _areas(store)]
    for area, store in sorted(areas, key=lambda one: one[0][:3]):
        # Which BAR it is that the driver passes for a store, nobody knows.
        bar = area[0], store.name if area[0] == _PASSED else ""
        last = reach.get(bar)
        if last is not None and area[1] < last[0][2]:
            (first, one), (second, two) = sorted(
                (last, (area, store)), key=lambda found: found[0][4].start
            )
            what = first[3] if first[3] != second[3] else "another one"
            if one is not two:
                what = f"{first[3]} of {quote(one.name)}"
            yield report(
                "IMS096",
                f"{second[3]} overlaps {what}",
                second[4],
                f"bytes {second[1]:#x} to {second[2] - 1:#x}{_of_bar(second[0])}",
                "check offsets, stride and number of slots",
                [Place(first[4], f"bytes {first[1]:#x} to {first[2] - 1:#x}")],
            )
        if last is None or area[2] > last[0][2]:
            reach[bar] = area, store


def _of_bar(bar: int) -> str:
    return "" if bar == _PASSED else f" of BAR {bar}"


def rule_areas_inside(scope: Scope) -> Found:
    """Split tables and arrays of bits are aligned and fit into a BAR."""
    for store in scope.stores:
        wide = alignment(store.slot)
        starts = [(item.offset, "a table", wide) for item in store.tables]
        bits = [item for item in (store.mask_bits, store.pending) if item]
        starts += [(item.offset, f"`{item.keyword}`", 4) for item in bits]
        starts += [
            (item.offset, f"`{place.word}`", 4 if place.size else wide)
            for place, item in store.places.items()
        ]
        for number, what, align in starts:
            if number.value is not None and number.value % align:
                yield report(
                    "IMS060",
                    f"{what} starts at {number.value:#x}, which is not a multiple of {align}",
                    number.span,
                    hint=f"the next that is: {number.value // align * align + align:#x}",
                )
        for area in _areas(store):
            if area[1] < BAR_BYTES < area[2] and area[3] != "the table":
                yield report(
                    "IMS059",
                    f"{area[3]} reaches beyond 4 GiB",
                    area[4],
                    f"from {area[1]:#x} to {area[2] - 1:#x}",
                    "check offset, stride and number of slots",
                )
