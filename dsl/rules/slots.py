"""Rules about layout: tables, slots, registers and the fields of the control word."""

from __future__ import annotations

from collections.abc import Iterator

from .. import ast, model
from ..codes import report
from ..diagnostics import Diagnostic, Place, nearest, quote
from ..kinds import StoreKind
from ..resolve import BAR_BYTES, Block, Scope, Slot, Store, width_of
from ..source import Span
from .base import MAX_GUESSES, Found, again, count

#: Bytes from one slot to the next.
MAX_STRIDE = 65536

#: Widths in bits that a register can have.
WIDTHS = {
    "address": (64, 32),
    "address_lo": (32,),
    "address_hi": (32,),
    "data": (32, 16),
    "control": (64, 32, 16),
}
#: Those of a register that the driver writes.
OWN_WIDTHS = (32, 16)

#: What is in a control word.
_FIELDS = (ast.MaskItem, ast.FlagItem, ast.CookieItem, ast.FieldItem)

#: Uses of fields of which only the device sets a bit.
_DEVICE = ("pending", "read only", "write one to clear")

#: Bits of a field whose value the driver passes: it is a 32-bit number.
MAX_FIELD = 32

#: The kernel takes a control word for an error if all bits from this one to 63 are set.
ERROR_BIT = 12


def rule_number_range(scope: Scope) -> Found:
    """BAR, offset and stride are in range."""
    for store in scope.stores:
        wanted: list[tuple[str, ast.Number | None, int, int]] = []
        if store.bar:
            wanted.append(("a BAR", store.bar.number, 0, 5))
        if store.offset:
            wanted.append(("an offset", store.offset.number, 0, BAR_BYTES - 1))
            wanted.append(("an offset", store.offset.maximum, 0, BAR_BYTES - 1))
        for bits in (store.mask_bits, store.pending):
            if bits:
                wanted.append(("a BAR", bits.bar, 0, 5))
                wanted.append(("an offset", bits.offset, 0, BAR_BYTES - 1))
        offsets = [item.offset for item in store.tables]
        offsets += [item.offset for item in store.places.values()]
        wanted += [("an offset", offset, 0, BAR_BYTES - 1) for offset in offsets]
        for what, number, low, high in wanted:
            if number and number.value is not None and not low <= number.value <= high:
                yield _out_of_range(what, number.value, number.span, low, high)


def _out_of_range(what: str, value: int, span: Span, low: int, high: int) -> Diagnostic:
    hint = f"{what} is {low:,} to {high:,}"
    return report("IMS050", f"{value:,} is out of range", span, hint=hint)


def slot_rule_stride_range(slot: Slot) -> Found:
    """A stride is in range."""
    stride = slot.item.stride
    if stride.value is not None and not 4 <= stride.value <= MAX_STRIDE:
        yield _out_of_range("a stride", stride.value, stride.span, 4, MAX_STRIDE)


def rule_slots(scope: Scope) -> Found:
    """A store has slots, not more than a domain can hold, and a maximum if at run time."""
    for store in scope.stores:
        yield from _table_slots(store)
        item = store.slots
        if item is None:
            continue
        if store.kind.pci_limit is not None:
            yield from _pci_slots(item, store.kind)
            continue
        number = item.number or item.maximum
        if number is None:
            yield report(
                "IMS052",
                "the number of slots has no maximum",
                item.span,
                hint=f"write `slots runtime max N;`, N at most {model.MAX_INDEXES:,}",
            )
        elif number.value == 0:
            yield report(
                "IMS051",
                "a store without slots",
                number.span,
                hint="remove the store, or give the number of slots from the datasheet",
            )
        elif number.value is not None and number.value > model.MAX_INDEXES:
            yield report(
                "IMS051",
                f"{count(number.value, 'slot')} are too many",
                number.span,
                hint=f"an MSI domain holds {model.MAX_INDEXES:,}",
            )


def _pci_slots(item: ast.SizeItem, kind: StoreKind) -> Found:
    """How much MSI and MSI-X have is read by the PCI core; a datasheet may say it as well."""
    what, most = kind.indexes, kind.pci_limit or 0
    if item.number is None:
        yield report(
            "IMS141",
            f"the driver does not pass how many {what} there are",
            item.span,
            hint=f"write `slots {min(16, most)};`, or remove it: the PCI core reads the number",
        )
    elif item.number.value is not None and not 1 <= item.number.value <= most:
        yield _out_of_range(f"the number of {what}", item.number.value, item.number.span, 1, most)
    elif item.number.value is not None and kind.powers and item.number.value.bit_count() > 1:
        yield report(
            "IMS141",
            f"MSI can't have {item.number.value} {what}",
            item.number.span,
            hint=f"it has a power of two of them: {1 << item.number.value.bit_length()}, "
            "of which fewer may be used",
        )


def _table_slots(store: Store) -> Found:
    total = 0
    for table in store.tables:
        slots = table.slots
        if slots.value == 0:
            yield report(
                "IMS051",
                "a table without slots",
                slots.span,
                hint="remove it, or give the number of slots from the datasheet",
            )
        if slots.value is None:
            return
        if total <= model.MAX_INDEXES < total + slots.value:
            yield report(
                "IMS051",
                f"{count(total + slots.value, 'slot')} are too many",
                slots.span,
                "with those of the tables above" if total else "",
                f"an MSI domain holds {model.MAX_INDEXES:,}",
            )
        total += slots.value


def slot_rule_stride(slot: Slot) -> Found:
    """Slots follow each other at multiples of 4 bytes, or of a wider control word."""
    stride, align = slot.item.stride, alignment(slot)
    if stride.value is not None and stride.value >= 4 and stride.value % align:
        yield report(
            "IMS053",
            f"a stride of {count(stride.value, 'byte')} is not a multiple of {align}",
            stride.span,
            hint=f"the next that is: {stride.value // align * align + align}",
        )


def alignment(slot: Slot | None) -> int:
    """Of how many bytes the places of slots are multiples."""
    return 8 if slot and slot.control and width_of(slot.control.register) == 64 else 4


def slot_rule_width(slot: Slot) -> Found:
    """Registers have widths that they can have."""
    for item in slot.registers:
        if item.width is None or item.width.value is None:
            continue
        widths = WIDTHS.get(item.keyword, OWN_WIDTHS)
        if item.width.value not in widths:
            hint = " or ".join(str(width) for width in widths)
            if item.keyword == "address_lo" and item.width.value == 64:
                hint += "; a 64-bit register is written `address @N;`"
            yield report(
                "IMS057",
                f"`{item.keyword}` can't have {count(item.width.value, 'bit')}",
                item.width.span,
                hint=f"its width is {hint}",
            )


def _extent(item: ast.RegisterItem) -> tuple[int, int] | None:
    """First and last byte of a register; None where that isn't known."""
    width = width_of(item)
    if item.offset.value is None or width not in WIDTHS.get(item.keyword, OWN_WIDTHS):
        return None
    return item.offset.value, item.offset.value + width // 8 - 1


def slot_rule_register_aligned(slot: Slot) -> Found:
    """Registers are aligned to their width, a 64-bit one to its halves."""
    for item in slot.registers:
        extent = _extent(item)
        if extent is None:
            continue
        align = extent[1] - extent[0] + 1
        if item.keyword == "address":
            align = min(4, align)
        if extent[0] % align:
            yield report(
                "IMS054",
                f"`{item.keyword}` is not aligned",
                item.offset.span,
                f"not a multiple of {align}",
                f"registers of this width stand at multiples of {align} bytes",
            )


def slot_rule_register_outside(slot: Slot) -> Found:
    """Registers end before the next slot starts."""
    stride = slot.item.stride
    if stride.value is None or not 4 <= stride.value <= MAX_STRIDE:
        return
    for item in slot.registers:
        extent = _extent(item)
        if extent and extent[1] >= stride.value:
            yield report(
                "IMS055",
                f"`{item.keyword}` is outside its slot",
                item.span,
                f"bytes {extent[0]:,} to {extent[1]:,}",
                "move the register, or make the stride larger",
                [Place(stride.span, f"a slot has {count(stride.value, 'byte')}")],
            )


def slot_rule_register_overlap(slot: Slot) -> Found:
    """No two registers share a byte."""
    owners: dict[int, ast.RegisterItem] = {}
    for second in slot.registers:
        two = _extent(second)
        if two is None:
            continue
        there = [owners.setdefault(at, second) for at in range(two[0], two[1] + 1)]
        for first in dict.fromkeys(there):
            one = _extent(first)
            if one is None or first is second or _two_forms(first, second):
                continue
            yield report(
                "IMS056",
                f"`{second.keyword}` overlaps `{first.keyword}`",
                second.span,
                f"bytes {two[0]:,} to {two[1]:,}",
                "move one of the two",
                [Place(first.span, f"bytes {one[0]:,} to {one[1]:,}")],
            )


def _two_forms(first: ast.RegisterItem, second: ast.RegisterItem) -> bool:
    """Whether one is the address and the other a half of it, which is refused as that."""
    both = {first.keyword, second.keyword}
    return "address" in both and bool(both & {"address_lo", "address_hi"})


def slot_rule_address_form(slot: Slot) -> Found:
    """One address, or its halves."""
    whole = slot.register("address")
    for half in (slot.register("address_lo"), slot.register("address_hi")):
        if whole and half:
            yield report(
                "IMS058",
                f"`{half.keyword}` stands beside `address`",
                half.span,
                hint="keep `address`, or its two halves",
                secondary=[Place(whole.span, "the whole address")],
            )


def slot_rule_address_bits(slot: Slot) -> Found:
    """An address has the bits 31 to 2 at least, and no bits that the registers don't have."""
    item = slot.block.first(ast.AddressBitsItem)
    if item is None:
        return
    high, low = item.high.value, item.low.value
    if high is not None and low is not None and high < low:
        yield report(
            "IMS064",
            "the bits of the address are in the wrong order",
            item.span,
            hint=f"write `address bits {low}:{high};`",
        )
        return
    whole = slot.register("address")
    wide = slot.register("address_hi") or (whole and width_of(whole) == 64)
    last = 63 if wide or slot.block.may_have("address", "address_hi") else 31
    if high is not None and not 31 <= high <= last:
        yield _out_of_range("the highest bit of an address", high, item.high.span, 31, last)
    if low is not None and low > 2:
        yield _out_of_range("the lowest bit of an address", low, item.low.span, 0, 2)


def rule_table(scope: Scope) -> Found:
    """The table is aligned and fits into a BAR."""
    for store in scope.stores:
        if not (store.offset and store.slot):
            continue
        number = store.offset.number or store.offset.maximum
        offset = number.value if number else 0
        stride, slots = store.slot.item.stride.value, store.limit
        if offset is None or offset >= BAR_BYTES:
            continue
        align = alignment(store.slot)
        if number and offset % align:
            yield report(
                "IMS060",
                f"an offset of {count(offset, 'byte')} is not a multiple of {align}",
                number.span,
                hint=f"the next that is: {offset // align * align + align:#x}",
            )
        if stride is None or slots is None or not 4 <= stride <= MAX_STRIDE:
            continue
        end = offset + stride * slots
        if end > BAR_BYTES:
            place = number.span if number else store.offset.span
            yield report(
                "IMS059",
                "the table reaches beyond 4 GiB",
                place,
                f"{slots:,} slots of {stride:,} bytes from {offset:#x} on end at {end:#x}",
                "check offset, stride and number of slots",
            )


def _layout_place(store: Store, span: Span) -> tuple[Span, list[Place]]:
    """Where to show what a store lacks in its slot: where the layout is named, if it is."""
    if store.own_slot is None and store.layout is not None:
        return store.layout.span, [Place(span, "the layout")]
    return span, []


def _excused(scope: Scope) -> bool:
    """Rule 7: whether required remapping stands in for mask bits, or may do so if all is read."""
    if scope.required or scope.platform_ids:
        return True
    broken = any(Block(pool.items).broken for pool in scope.pools)
    return scope.remapping is None and (broken or scope.block.may_have("requires", "pool"))


def rule_mask(scope: Scope) -> Found:
    """Rule 7: messages are maskable one by one, or remapping is required."""
    for store in scope.stores:
        slot = store.slot
        if slot is None or store.mask_bits or store.block.may_have("mask_bits", "unmaskable"):
            continue
        if store.unmaskable:
            continue
        bits = "mask_bits" in store.kind.words
        nothing = "`unmaskable;` in the store where messages can't be masked"
        if not _excused(scope):
            nothing = f"`requires remapping;` and {nothing}"
        excuse = "" if store.kind.always_masks else f"; {nothing}"
        if slot.control is None:
            if not slot.block.may_have("control"):
                place, other = _layout_place(store, slot.item.head)
                yield report(
                    "IMS041",
                    "`control` is missing",
                    place,
                    "has no control word" if other else "in this block",
                    "write `control @12 { mask bit 0; }`"
                    + (", or `mask_bits @N;` in the store" if bits else "")
                    + excuse,
                    other,
                )
            continue
        if slot.fields.all(ast.MaskItem):
            continue
        if _may_mask(slot):
            continue
        place, other = _layout_place(store, slot.control.register.span)
        yield report(
            "IMS061",
            "the slot has no mask bit",
            place,
            "has no mask bit",
            "write `mask bit N;`, or `mask bit N active low;` where a set bit enables" + excuse,
            other,
        )


#: Names that a bit which unmasks a message has in datasheets.
_ENABLES = ("en", "enable", "enabled", "irq_enable", "valid")


def _may_mask(slot: Slot) -> bool:
    """Whether a mask bit may be among what could not be read, or has another name."""
    flags = [item.name.text for item in slot.fields.all(ast.FlagItem)][:MAX_GUESSES]
    return slot.fields.may_have("mask") or any(
        flag in _ENABLES or nearest(flag, ["mask"]) for flag in flags
    )


def rule_unmaskable(scope: Scope) -> Found:
    """Rule 7: what can't be masked has no mask bit, and remapping is required."""
    for store in scope.stores:
        if not store.unmaskable:
            continue
        mask = store.slot.fields.first(ast.MaskItem) if store.slot else None
        found = mask or store.mask_bits
        if found:
            yield report(
                "IMS098",
                "an unmaskable message has a mask bit",
                store.unmaskable.span,
                "nothing masks it",
                "remove `unmaskable;`, or the mask bit if it masks something else",
                [Place(found.span, "masks it")],
            )
        elif not _excused(scope):
            yield report(
                "IMS090",
                "messages that can't be masked need interrupt remapping",
                store.unmaskable.span,
                "nothing masks them",
                "write `requires remapping;` in the device",
                [Place(store.item.head, f"the {store.item.kind} store")],
            )


def rule_pending(scope: Scope) -> Found:
    """Pending bits are set for what is masked, so something masks."""
    for store in scope.stores:
        slot = store.slot
        if slot is None or store.mask_bits:
            continue
        pending = store.pending or next(iter(_pending(slot)), None)
        if pending is None:
            continue
        lost = slot.block.may_have("control") or _may_mask(slot)
        if not store.unmaskable or lost or store.block.may_have("mask_bits"):
            continue  # the mask bit that is missing is reported as that
        if not slot.fields.all(ast.MaskItem):
            place, _ = _layout_place(store, slot.item.head)
            yield report(
                "IMS097",
                "pending bits of messages that can't be masked",
                pending.span,
                "set for what is masked",
                "give the slot a mask bit or the store `mask_bits`, or remove `pending`",
                [Place(place, "has no mask bit")],
            )


def _pending(slot: Slot) -> list[ast.FieldItem]:
    return [item for item in slot.fields.all(ast.FieldItem) if item.use == "pending"]


def rule_pending_once(scope: Scope) -> Found:
    """A message has one pending bit: in its slot, or in an array."""
    for store in scope.stores:
        for item in _pending(store.slot)[:1] if store.slot else ():
            if store.pending:
                yield again("pending", store.pending.span, item.span)


def slot_rule_pending_once(slot: Slot) -> Found:
    """A control word has one pending bit."""
    found = _pending(slot)
    for item in found[1:]:
        yield again("pending", item.span, found[0].span)


def rule_device_bits(scope: Scope) -> Found:
    """What the device changes in a control word is in a register: memory is written as a whole."""
    for store in scope.stores:
        if not store.kind.pairs or store.slot is None:
            continue
        for item in store.slot.fields.all(ast.FieldItem):
            if item.use not in _DEVICE:
                continue
            yield report(
                "IMS099",
                "a bit of the device in a word that the driver writes",
                item.span,
                "the next write of the word overwrites it",
                "leave it out here: the device can have it in a word that the driver never writes",
                [Place(store.item.head, f"the {store.item.kind} store")],
            )


def _bits_of(item: object) -> tuple[str, int, int] | None:
    """Name, lowest and highest bit of a field of the control word, as far as they are known."""
    if isinstance(item, (ast.MaskItem, ast.FlagItem)):
        name = item.name.text if isinstance(item, ast.FlagItem) else "mask"
        bit = item.bit.value
        return None if bit is None else (name, bit, bit)
    if isinstance(item, (ast.CookieItem, ast.FieldItem)):
        low, high = item.low.value, item.high.value
        if low is not None and high is not None and low <= high:
            return item.name.text, low, high
    return None


def _fields(slot: Slot) -> Iterator[tuple[str, int, int, Span]]:
    """Fields of the control word: name, lowest and highest bit, place."""
    for item in slot.fields.items:
        found = _bits_of(item)
        if found and isinstance(item, _FIELDS):
            yield *found, item.span


def slot_rule_field_outside(slot: Slot) -> Found:
    """Bits and fields lie in the control word."""
    if slot.control is None:
        return
    register = slot.control.register
    width = width_of(register)
    if width not in WIDTHS["control"]:
        return
    for name, low, high, span in _fields(slot):
        if high >= width:
            bit = low == high
            yield report(
                "IMS062" if bit else "IMS063",
                f"{quote(name)} is outside the control word",
                span,
                f"bit {high}" if bit else f"bits {high} to {low}",
                f"the word has the bits 0 to {width - 1}",
                [Place(register.span, f"{width} bits")],
            )


def slot_rule_field_order(slot: Slot) -> Found:
    """Fields are written from the highest bit to the lowest."""
    items: list[ast.CookieItem | ast.FieldItem] = [*slot.fields.all(ast.CookieItem)]
    items += slot.fields.all(ast.FieldItem)
    for item in items:
        high, low = item.high.value, item.low.value
        if high is not None and low is not None and high < low:
            yield report(
                "IMS064",
                f"the bits of {quote(item.name.text)} are in the wrong order",
                item.span,
                hint=f"write `bits {low}:{high}`",
            )


def slot_rule_field_overlap(slot: Slot) -> Found:
    """No two fields of the control word share a bit."""
    owners: dict[int, tuple[str, int, int, Span]] = {}
    for field in _fields(slot):
        bits = range(field[1], min(field[2], 64) + 1)
        others = dict.fromkeys(owners[bit] for bit in bits if bit in owners)
        for bit in bits:
            owners.setdefault(bit, field)
        for first in others:
            if first[0] == field[0]:
                continue  # one name twice, refused as that
            yield report(
                "IMS065",
                f"{quote(field[0])} overlaps {quote(first[0])}",
                field[3],
                _bits(field[1], field[2]),
                "move one of the two",
                [Place(first[3], _bits(first[1], first[2]))],
            )


def _bits(low: int, high: int) -> str:
    return f"bit {low}" if low == high else f"bits {high} to {low}"


def slot_rule_field_value(slot: Slot) -> Found:
    """The value of a fixed field fits into it."""
    for item in slot.fields.all(ast.FieldItem):
        high, low, value = item.high.value, item.low.value, item.value
        if value is None or value.value is None or high is None or low is None or high < low:
            continue
        last = (1 << min(high - low + 1, 64)) - 1
        if value.value > last:
            yield report(
                "IMS068",
                f"{value.value:,} is too large for {quote(item.name.text)}",
                value.span,
                hint=f"a value is 0 to {last:,} in {count(high - low + 1, 'bit')}",
                secondary=[Place(item.span, _bits(low, high))],
            )


def slot_rule_field_width(slot: Slot) -> Found:
    """What the driver passes fits into 32 bits, and no control word looks like an error."""
    used = 0
    for item in slot.fields.items:
        found = _bits_of(item)
        use = item.use if isinstance(item, ast.FieldItem) else ""
        if found is None or not isinstance(item, _FIELDS) or use in _DEVICE:
            continue
        name, low, high = found
        used |= (1 << min(high + 1, 64)) - (1 << min(low, 64))
        given = isinstance(item, ast.CookieItem) or use == "driver"
        if given and high - low >= MAX_FIELD:
            yield report(
                "IMS069",
                f"{quote(name)} has {count(high - low + 1, 'bit')}",
                item.span,
                hint=f"the driver passes a number of {MAX_FIELD} bits: make two fields of it",
            )
    errors = (1 << 64) - (1 << ERROR_BIT)
    if slot.control and used & errors == errors:
        yield report(
            "IMS069",
            f"nothing is left of the bits 63 to {ERROR_BIT}",
            slot.control.register.span,
            hint="the kernel takes a word with all of them set for an error: leave out a bit",
        )


def slot_rule_flag(slot: Slot) -> Found:
    """Enable bits belong to a cookie."""
    if any(item.words[:1] != ("mask",) for item in slot.fields.broken):
        return  # the cookie may be what could not be read
    cookies = {f"{item.name.text}_enable" for item in slot.fields.all(ast.CookieItem)}
    guesses = 0
    for item in slot.fields.all(ast.FlagItem):
        name = item.name.text
        if name in cookies:
            continue
        guesses += 1
        near = nearest(name, {*cookies, "mask"}) if guesses < MAX_GUESSES else None
        usual = (
            _not_a_flag(item)
            or "write `NAME_enable bit N;` beside `NAME bits HIGH:LOW cookie;`, "
            "or what the bit is: `set`, `driver`, `pending`, `read only`, `write one to clear`"
        )
        yield report(
            "IMS066",
            f"there is no cookie that {quote(name)} could enable",
            item.name.span,
            hint=f"did you mean `{near}`?" if near and not _not_a_flag(item) else usual,
        )


def _not_a_flag(item: ast.FlagItem) -> str:
    """The hint for a bit that is something else than its form says; else empty."""
    if item.name.text in _ENABLES:
        return f"write `mask bit {item.bit.value};`, with `active low` where a cleared bit masks"
    if "pending" in item.name.text:
        return f"write `{item.name.text} bit {item.bit.value} pending;`"
    return ""


def rule_one_store_of_a_kind(scope: Scope) -> Found:
    """A PCI function has one MSI-X table and one MSI capability, a platform device one domain."""
    for why in dict.fromkeys(store.kind.alone for store in scope.stores if store.kind.alone):
        stores = [store for store in scope.stores if store.kind.alone == why]
        for store in stores[1:]:
            if store.name == stores[0].name:
                continue  # one name twice, refused as that
            same = store.kind is stores[0].kind
            yield report(
                "IMS067",
                f"a second {store.kind.word} store" if same else "a second store",
                store.item.head,
                hint=f"{why}: keep one of the two",
                secondary=[Place(stores[0].item.head, "the first one")],
            )
