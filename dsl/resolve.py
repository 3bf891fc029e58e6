"""AST to Model: what is said once under its name, and the model of what has no errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from typing import Any, TypeVar

from . import ast, model
from .kinds import BY_WORD, PLACES

_Node = TypeVar("_Node")

#: Bytes that a 32-bit BAR offset can reach.
BAR_BYTES = 1 << 32


class Block:
    """The statements of one block, by keyword, and what was broken among them."""

    def __init__(self, items: Sequence[object]) -> None:
        self.broken = [item for item in items if isinstance(item, ast.Broken)]
        self.items = items

    def all(self, kind: type[_Node], keyword: str | None = None) -> list[_Node]:
        """The statements of one class, and of one keyword where the class has several."""
        return [
            item
            for item in self.items
            if isinstance(item, kind) and keyword in (None, getattr(item, "keyword", None))
        ]

    def first(self, kind: type[_Node], keyword: str | None = None) -> _Node | None:
        """The first such statement: the one that counts."""
        found = self.all(kind, keyword)
        return found[0] if found else None

    def may_have(self, *keywords: str) -> bool:
        """Whether a statement that could not be read may have been one of these."""
        return any(
            not item.words or item.words[0] in keywords or item.words[0] not in KEYWORDS
            for item in self.broken
        )


#: Words that start a statement.
KEYWORDS = frozenset(
    (
        *PLACES,
        "acpi",
        "address",
        "address_hi",
        "address_lo",
        "architecture",
        "bar",
        "control",
        "cookie",
        "cpus",
        "data",
        "dedicated",
        "device",
        "include",
        "maintainer",
        "managed",
        "mask",
        "mask_bits",
        "offset",
        "path",
        "pci",
        "pending",
        "platform",
        "pool",
        "register",
        "remapping",
        "requires",
        "reserve",
        "share",
        "slot",
        "slots",
        "store",
        "subdevice",
        "table",
        "unmaskable",
        "vector",
        "vectors",
    )
)


class Slot:
    """A slot's registers and its control word."""

    def __init__(self, item: ast.SlotItem) -> None:
        self.item = item
        self.block = Block(item.items)
        self.controls = self.block.all(ast.ControlItem)
        self.control = self.controls[0] if self.controls else None
        self.fields = Block(self.control.items if self.control else ())
        self.data_index = self.block.first(ast.DataIndexItem)

    @property
    def registers(self) -> list[ast.RegisterItem]:
        """The first of each register, the control word's too, in the order of the file."""
        found: dict[str, ast.RegisterItem] = {}
        for item in self.item.items:
            register = item
            if isinstance(item, (ast.ControlItem, ast.OwnRegisterItem)):
                register = item.register
            if isinstance(register, ast.RegisterItem):
                found.setdefault(register.keyword, register)
        return list(found.values())

    def register(self, keyword: str) -> ast.RegisterItem | None:
        """The first register of that keyword."""
        return next((item for item in self.registers if item.keyword == keyword), None)


def width_of(register: ast.RegisterItem) -> int | None:
    """A register's width in bits, stated or usual; None where its number is wrong."""
    if register.width is not None:
        return register.width.value
    return 64 if register.keyword == "address" else 32


class Layouts:
    """The named layouts of a file and of the files that it includes."""

    def __init__(self, items: Iterable[ast.LayoutItem] = (), lost: bool = False) -> None:
        self.items = tuple(items)
        #: Whether there may be more of them, in what could not be read.
        self.lost = lost
        self.by_name: dict[str, Slot] = {}
        self.slots: list[Slot] = []
        for item in self.items:
            slot = Slot(item.slot)
            self.slots.append(slot)
            self.by_name.setdefault(item.name.text, slot)


class Store:
    """A store and what counts of its properties."""

    def __init__(self, item: ast.StoreItem, layouts: Layouts) -> None:
        self.item = item
        self.kind = BY_WORD[item.kind]
        self.name = item.name.text
        self.block = Block(item.items)
        self.bar = self.block.first(ast.BarItem)
        self.offset = self.block.first(ast.SizeItem, "offset")
        self.slots = self.block.first(ast.SizeItem, "slots")
        self.tables = self.block.all(ast.TableItem)
        self.mask_bits = self.block.first(ast.BitsItem, "mask_bits")
        self.pending = self.block.first(ast.BitsItem, "pending")
        found = {place: self.block.first(ast.PlaceItem, place.word) for place in self.kind.places}
        self.places = {place: item for place, item in found.items() if item is not None}
        self.unmaskable = self.block.first(ast.UnmaskableItem)
        own = self.block.first(ast.SlotItem)
        self.own_slot = Slot(own) if own else None
        self.layout = self.block.first(ast.SlotNameItem)
        self.slot = self.own_slot
        if self.slot is None and self.layout is not None:
            self.slot = layouts.by_name.get(self.layout.name.text)

    @property
    def is_pci(self) -> bool:
        """Whether the PCI core manages its messages."""
        return self.kind.is_pci

    @property
    def is_ims(self) -> bool:
        """Whether its messages need a domain beside that of the PCI core."""
        return self.kind.is_ims

    @property
    def limit(self) -> int | None:
        """Indexes that the store has at most; None where that isn't known."""
        if self.kind.pci_limit is not None and self.slots is None:
            return self.kind.pci_limit
        if self.tables and self.slots is None:
            return self._table_slots()
        if self.slots is None:
            return None
        number = self.slots.number or self.slots.maximum
        if number is None or number.value is None:
            return None
        most = self.kind.pci_limit or model.MAX_INDEXES
        return number.value if 0 < number.value <= most else None

    def _table_slots(self) -> int | None:
        total = 0
        for item in self.tables:
            if item.slots.value is None:
                return None
            total += item.slots.value
        return total if 0 < total <= model.MAX_INDEXES and not self.block.broken else None

    @property
    def runtime(self) -> bool:
        """Whether the driver passes the number of indexes."""
        return self.slots is not None and self.slots.number is None


@dataclass
class Scope:
    """One device: its declarations by name."""

    decl: ast.DeviceDecl
    layouts: Layouts = field(default_factory=Layouts)

    def __post_init__(self) -> None:
        self.block = Block(self.decl.items)
        self.name = self.decl.name.text
        self.stores = [Store(item, self.layouts) for item in self.block.all(ast.StoreItem)]
        self.vectors = self.block.all(ast.VectorItem)
        self.shared = self.block.all(ast.SharedItem)
        self.all_vectors: list[ast.VectorItem | ast.SharedItem] = [*self.vectors, *self.shared]
        self.pools = self.block.all(ast.PoolItem)
        self.subdevices = self.block.all(ast.SubdeviceItem)
        self.architectures = self.block.all(ast.ArchitectureItem)
        self.path = self.block.first(ast.PathItem)
        self.maintainers = self.block.all(ast.MaintainerItem)
        self.remappings = self.block.all(ast.RemappingItem)
        self.minimums = self.block.all(ast.MinimumItem)
        self.platform_ids = self.block.all(ast.PlatformIdItem)

    @cached_property
    def by_name(self) -> dict[str, Store]:
        """The first store of each name."""
        found: dict[str, Store] = {}
        for store in self.stores:
            found.setdefault(store.name, store)
        return found

    @property
    def remapping(self) -> bool | None:
        """What the file says: required, optional, or nothing."""
        return self.remappings[0].required if self.remappings else None

    @cached_property
    def required(self) -> bool:
        """Whether interrupt remapping is required, by the file or by what is in it (rule 32)."""
        if self.remapping is not None:
            return self.remapping
        return self.isolated is not None or any(
            Block(pool.items).first(ast.DedicatedItem) and self.ims_range(pool)
            for pool in self.pools
        )

    @cached_property
    def _lost_words(self) -> set[str]:
        return {word for item in self.block.broken for word in item.words[1:]}

    @cached_property
    def _lost_any(self) -> bool:
        return any(
            (len(item.words) < 2 and item.words[:1] in ((), ("store",)))
            or (bool(item.words) and item.words[0] not in KEYWORDS)
            for item in self.block.broken
        )

    def lost_store(self, name: str) -> bool:
        """Whether a store of that name may be among what could not be read."""
        return self._lost_any or name in self._lost_words

    def lost_pool(self, name: str) -> bool:
        """Whether a pool of that name may be among what could not be read."""
        return self._lost_any or bool(self._lost_pools & {"", name})

    @cached_property
    def _lost_pools(self) -> set[str]:
        """Names of pools that could not be read; an empty one where that is lost too."""
        lost = [item.words for item in self.block.broken if item.words[:1] == ("pool",)]
        return {words[1] if len(words) > 1 else "" for words in lost}

    def ims_range(self, pool: ast.PoolItem) -> ast.RangeItem | None:
        """The first range of a pool that lies in an IMS store."""
        for item in pool.ranges:
            store = self.by_name.get(item.store.text)
            if store is not None and store.is_ims:
                return item
        return None

    @property
    def isolated(self) -> Store | None:
        """The first store that can't do without interrupt remapping."""
        return next((one for one in self.stores if one.kind.isolation), None)


# The model.  Only for scopes without errors: what the rules refuse isn't looked for here.


def build(scope: Scope, file: str) -> model.Device:
    """The device of a scope in which no rule found an error."""
    decl = scope.decl
    return model.Device(
        name=scope.name,
        title=decl.title.value if decl.title else scope.name,
        ids=tuple(_pci(item) for item in decl.items if _is_pci(item)),
        path=scope.path.text.value if scope.path else None,
        maintainers=tuple(item.text.value for item in scope.maintainers),
        remapping=scope.required,
        stores=tuple(_store(store) for store in scope.stores),
        vectors=tuple(_vector(item, scope.by_name[item.store.text]) for item in scope.vectors),
        pools=tuple(_pool(item) for item in scope.pools),
        span=decl.span,
        subdevices=tuple(_subdevice(item) for item in scope.subdevices),
        architectures=tuple(name.text for item in scope.architectures for name in item.names),
        file=file,
        minimum=_value(scope.minimums[0].number) if scope.minimums else 0,
        shared=tuple(_shared(item) for item in scope.shared),
        platform_ids=tuple(_platform(item) for item in scope.platform_ids),
    )


def _platform(item: ast.PlatformIdItem) -> model.PlatformId:
    text = item.text.value
    acpi = item.keyword == "acpi"
    return model.PlatformId(None if acpi else text, text if acpi else None, item.span)


def _is_pci(item: object) -> bool:
    return isinstance(item, (ast.PciIdItem, ast.PciClassItem))


def _pci(item: object) -> model.PciId:
    if isinstance(item, ast.PciIdItem):
        vendor, device = item.text.text.split(":")
        return model.PciId(int(vendor, 16), int(device, 16), None, item.span)
    assert isinstance(item, ast.PciClassItem)
    return model.PciId(None, None, int(item.text.text, 16), item.span)


def _value(number: ast.Number | None) -> int:
    assert number is not None and number.value is not None
    return number.value


def _size(item: ast.SizeItem, largest: int) -> model.Size:
    if item.number is not None:
        return model.Size(_value(item.number), _value(item.number), item.span)
    maximum = _value(item.maximum) if item.maximum is not None else largest
    return model.Size(None, maximum, item.span)


def _store(store: Store) -> model.Store:
    """The model of a store: each of its fields is made in the same way, whatever its kind."""
    made = store.kind.model
    values: dict[str, Any] = {part.name: _FIELDS[part.name](store) for part in fields(made)}
    return made(**values)


def _tables(store: Store) -> tuple[model.Table, ...]:
    return tuple(
        model.Table(_value(table.offset), _value(table.slots), table.span) for table in store.tables
    )


def _slots(store: Store) -> model.Size | None:
    if store.is_pci and store.slots is None:
        return None
    tables = _tables(store)
    if tables:
        total = sum(table.slots for table in tables)
        return model.Size(total, total, tables[0].span)
    assert store.slots
    return _size(store.slots, model.MAX_INDEXES)


def _offset(store: Store) -> model.Size:
    tables = _tables(store)
    if tables:
        return model.Size(tables[0].offset, tables[0].offset, tables[0].span)
    assert store.offset and store.slot
    stride = _value(store.slot.item.stride)
    slots = _slots(store)
    assert slots
    return _size(store.offset, BAR_BYTES - stride * slots.maximum)


def _bar(store: Store) -> int | None:
    assert store.bar
    return _value(store.bar.number) if store.bar.number else None


def _store_layout(store: Store) -> model.SlotLayout:
    assert store.slot
    return _layout(store.slot)


def _command_cookies(store: Store) -> tuple[model.CommandCookie, ...]:
    return tuple(
        model.CommandCookie(cookie.name.text, cookie.optional, cookie.span)
        for cookie in store.block.all(ast.CommandCookieItem)
    )


def _place(store: Store, word: str) -> int:
    return next(_value(item.offset) for place, item in store.places.items() if place.word == word)


#: How each field of the models of stores is made.
_FIELDS: dict[str, Callable[[Store], Any]] = {
    "name": lambda store: store.name,
    "span": lambda store: store.item.span,
    "bar": _bar,
    "offset": _offset,
    "slots": _slots,
    "layout": _store_layout,
    "cookies": _command_cookies,
    # One table is what `offset` and `slots` say too.
    "tables": lambda store: _tables(store) if len(store.tables) > 1 else (),
    "mask_bits": lambda store: _bits(store.mask_bits, _bar(store)),
    "pending": lambda store: _bits(store.pending, _bar(store)),
    **{word: partial(_place, word=word) for word in PLACES},
}


def _bits(item: ast.BitsItem | None, bar: int | None) -> model.BitArray | None:
    if item is None:
        return None
    own = _value(item.bar) if item.bar is not None else bar
    assert own is not None
    return model.BitArray(own, _value(item.offset), item.active_low, item.span)


def _layout(slot: Slot) -> model.SlotLayout:
    endian = model.Endian.BIG if slot.item.big_endian else model.Endian.LITTLE
    low, high = _address(slot, endian)
    data = slot.register("data")
    return model.SlotLayout(
        stride=_value(slot.item.stride),
        endian=endian,
        address_lo=low,
        address_hi=high,
        data=_register(data) if data else None,
        control=_control(slot, slot.control) if slot.control else None,
        span=slot.item.span,
        address_bits=_address_bits(slot.block.first(ast.AddressBitsItem)),
        registers=tuple(
            _register(item.register, item.name.text) for item in slot.block.all(ast.OwnRegisterItem)
        ),
    )


def _address_bits(item: ast.AddressBitsItem | None) -> model.AddressBits | None:
    return item and model.AddressBits(_value(item.high), _value(item.low), item.span)


def _register(item: ast.RegisterItem, name: str = "") -> model.Register:
    width = width_of(item)
    assert width is not None
    return model.Register(name or item.keyword, _value(item.offset), width, item.span)


def _address(slot: Slot, endian: model.Endian) -> tuple[model.Register, model.Register | None]:
    whole = slot.register("address")
    if whole is None:
        low, high = slot.register("address_lo"), slot.register("address_hi")
        assert low
        return _register(low), _register(high) if high else None
    at, span = _value(whole.offset), whole.span
    if width_of(whole) == 32:
        return model.Register("address_lo", at, 32, span), None
    first = model.Register("address_lo", at, 32, span)
    second = model.Register("address_hi", at + 4, 32, span)
    if endian is model.Endian.BIG:
        first = model.Register("address_lo", at + 4, 32, span)
        second = model.Register("address_hi", at, 32, span)
    return first, second


def _control(slot: Slot, item: ast.ControlItem) -> model.ControlWord:
    mask = slot.fields.first(ast.MaskItem)
    enables = {flag.name.text: _value(flag.bit) for flag in slot.fields.all(ast.FlagItem)}
    cookies = tuple(
        model.CookieField(
            name=cookie.name.text,
            shift=_value(cookie.low),
            width=_value(cookie.high) - _value(cookie.low) + 1,
            enable_bit=enables.get(f"{cookie.name.text}_enable"),
            optional=cookie.optional,
            span=cookie.span,
        )
        for cookie in slot.fields.all(ast.CookieItem)
    )
    return model.ControlWord(
        register=_register(item.register),
        mask=model.MaskBit(_value(mask.bit), mask.active_low, mask.span) if mask else None,
        cookies=cookies,
        span=item.span,
        fields=tuple(_field(part) for part in slot.fields.all(ast.FieldItem)),
    )


def _field(item: ast.FieldItem) -> model.ControlField:
    use = model.FieldUse(item.use)
    low = _value(item.low)
    value = _value(item.value) if item.value is not None else int(use is model.FieldUse.FIXED)
    return model.ControlField(
        item.name.text, low, _value(item.high) - low + 1, use, value, item.span
    )


def _vector(item: ast.VectorItem, store: Store) -> model.SpecialVector:
    return model.SpecialVector(
        name=item.name.text,
        store=item.store.text,
        index=(store.limit or 1) - 1 if item.at_end else _value(item.number),
        purpose=item.purpose.value if item.purpose else "",
        context=model.Context(item.context),
        span=item.span,
        count=_value(item.size) if item.size else None,
        runtime=item.runtime,
        optional=item.optional,
        at_end=item.at_end,
    )


def _shared(item: ast.SharedItem) -> model.SharedVector:
    return model.SharedVector(
        name=item.name.text,
        vector=item.vector.text,
        purpose=item.purpose.value if item.purpose else "",
        context=model.Context(item.context),
        span=item.span,
    )


def _pool(item: ast.PoolItem) -> model.Pool:
    block = Block(item.items)
    share, reserve = block.first(ast.ShareItem), block.first(ast.ReserveItem)
    return model.Pool(
        name=item.name.text,
        purpose=item.purpose.value if item.purpose else "",
        ranges=tuple(_range(part) for part in item.ranges),
        sharing=_sharing(share) if share else None,
        dedicated=block.first(ast.DedicatedItem) is not None,
        span=item.span,
        managed=block.first(ast.ManagedItem) is not None,
        reserve=_value(reserve.number) if reserve else 0,
        node=block.first(ast.CpusItem) is not None,
    )


def _sharing(item: ast.ShareItem) -> model.Sharing:
    return model.Sharing(_value(item.limit), item.span, model.SharePolicy(item.policy))


def _range(item: ast.RangeItem) -> model.Range:
    last = _value(item.last) if item.last is not None else None
    return model.Range(item.store.text, _value(item.first), last, item.span)


def _subdevice(item: ast.SubdeviceItem) -> model.Subdevice:
    members = tuple(_member(part) for part in Block(item.items).all(ast.MemberItem))
    return model.Subdevice(item.name.text, _value(item.maximum), members, item.span)


def _member(item: ast.MemberItem) -> model.Member:
    single = item.minimum is None
    low, high = (1, 1) if single else (_value(item.minimum), _value(item.maximum))
    return model.Member(item.pool.text, low, high, single, item.span)
