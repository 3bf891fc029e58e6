"""What a place of a layout comes to: which bytes, which index, which bits, how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from .. import load, model
from ..kinds import MSIX_ENTRY, bar_of, row_of, span_of
from ..source import Span


def hover(
    name: str, text: bytes, offset: int, folders: Sequence[str] = ()
) -> tuple[str, Span] | None:
    """A few lines of Markdown about what stands at a place, and the place's whole.

    None where nothing is to be said, and for files with errors: their numbers mean nothing.
    """
    for device in load(name, text, folders).devices:
        path = _path(device, device.span.source.name, offset)
        for at in range(len(path), 0, -1):
            lines = list(_describe(path[:at]))
            if lines:
                return "\n\n".join(lines), path[at - 1].span
    return None


def _path(value: Any, source: str, offset: int) -> list[Any]:
    """The parts of the model around a place, the innermost last."""
    best: list[Any] = []
    for item in _parts(value):
        path = _path(item, source, offset)
        if path and (not best or _length(path[-1]) < _length(best[-1])):
            best = path
    span = value.span
    inside = span.source.name == source and span.start <= offset <= span.end
    return [value, *best] if best or inside else []


def _length(item: Any) -> int:
    return int(item.span.end - item.span.start)


def _parts(value: Any) -> Iterator[Any]:
    for item in fields(value):
        inner = getattr(value, item.name)
        for part in inner if isinstance(inner, tuple) else (inner,):
            if is_dataclass(part) and not isinstance(part, Span):
                yield part


def _describe(path: list[Any]) -> Iterator[str]:
    device, item = path[0], path[-1]
    store = next((part for part in path if isinstance(part, model.Store)), None)
    match item:
        case model.SpecialVector():
            yield f"**{item.name}**: {model.where(item)} of `{item.store}`, {item.context.value}"
            if not (item.runtime or item.at_end):
                yield from _slot(device.store(item.store), item.index)
        case model.SharedVector():
            yield f"**{item.name}**: the interrupt of `{item.vector}`, {item.context.value}"
        case model.Range():
            yield from _range(device, item)
        case model.Pool():
            yield from _pool(device, item)
        case model.Member() | model.Subdevice():
            subdevice = next(part for part in path if isinstance(part, model.Subdevice))
            yield from _subdevice(subdevice)
        case model.Register() if store:
            yield from _register(store, item)
        case model.ControlWord() if store:
            yield from _register(store, item.register)
        case model.MaskBit():
            state = "cleared" if item.active_low else "set"
            yield f"{_bits(item.bit, 1)} of the control word, {state} while the message is masked"
        case model.AddressBits():
            bits = ((1 << (item.high + 1)) - 1) >> item.low << item.low
            yield f"an address whose bits aren't all in `{bits:#x}` is refused"
        case model.CookieField():
            yield from _cookie(item)
        case model.ControlField():
            yield f"**{item.name}**: {_bits(item.shift, item.width)} of the control word"
            yield _USES[item.use].format(item.value)
        case model.BitArray() if store and store.slots:
            size = -(-store.slots.maximum // 32) * 4
            where = span_of(item.offset, size)
            yield f"{where} of BAR {item.bar}: {size // 4:,} words of 32 bits"
            yield f"slot N: bit `N % 32` of the word at `{item.offset:#x} + N / 32 * 4`"
        case model.Table() if isinstance(store, model.TableStore):
            first = sum(t.slots for t in store.tables[: store.tables.index(item)])
            last = first + item.slots - 1
            where = span_of(item.offset, item.slots * store.layout.stride)
            yield f"indexes {first:,} to {last:,} of `{store.name}`: {where} of {bar_of(store)}"
        case model.SlotLayout() | model.Size() if store is not None:
            yield from _store(store)
        case _ if isinstance(item, model.Store):
            yield from _store(item)


def _bits(shift: int, width: int) -> str:
    return f"mask `{((1 << width) - 1) << shift:#010x}`"


def _store(store: model.Store) -> Iterator[str]:
    kind, layout = row_of(store), model.layout_of(store)
    size = _size(store.slots) if store.slots else ""
    count = f"{size or f'up to {kind.pci_limit:,}'} {kind.indexes}"
    if layout and store.slots:
        count += f" of {layout.stride} bytes, {store.slots.maximum * layout.stride:,} bytes"
        count += " at most" if store.slots.runtime else ""
    yield f"**{store.name}**: {count}"
    yield f"{kind.what(store)}, {kind.where(store)}"
    if layout:
        for index in dict.fromkeys((0, model.largest(store) - 1)):
            yield from (f"{index:,}: {line}" for line in _slot(store, index))


def _size(size: model.Size) -> str:
    return f"up to {size.maximum:,}" if size.runtime else f"{size.maximum:,}"


def _slot(store: model.Store, index: int) -> Iterator[str]:
    """Where the message of an index is."""
    kind, layout = row_of(store), model.layout_of(store)
    if kind.at:
        yield kind.at(store, index, 0, layout.stride if layout else MSIX_ENTRY)
    if masked := kind.masked_at(store, index):
        yield masked


def _ends(device: model.Device, item: model.Range) -> tuple[int, int]:
    last = item.last if item.last is not None else device.end(device.store(item.store)) - 1
    return item.first, last


def _range(device: model.Device, item: model.Range) -> Iterator[str]:
    first, last = _ends(device, item)
    yield f"{last - first + 1:,} indexes of `{item.store}` at most: {first:,} to {last:,}"
    for index in dict.fromkeys((first, last)):
        for line in _slot(device.store(item.store), index):
            yield f"{index:,}: {line}"


def _pool(device: model.Device, pool: model.Pool) -> Iterator[str]:
    total = 0
    lines = []
    for item in pool.ranges:
        first, last = _ends(device, item)
        count = last - first + 1
        lines.append(
            f"vectors {total:,} to {total + count - 1:,}: `{item.store}` {first:,} to {last:,}"
        )
        total += count
    users = f", up to {total * pool.sharing.limit:,} users" if pool.sharing else ""
    yield f"**{pool.name}**: {total:,} vectors at most{users}"
    yield "\n".join(f"- {line}" for line in lines)


def _subdevice(item: model.Subdevice) -> Iterator[str]:
    yield f"**{item.name}**: up to {item.maximum:,}, each with vectors of its own from 0:"
    low = high = 0
    lines = []
    for member in item.members:
        first = f"{low}" if low == high else f"{low} to {high}"
        counts = "1" if member.single else f"{member.minimum:,} to {member.maximum:,}"
        lines.append(f"- {counts} of `{member.pool}`, from {first}")
        low, high = low + member.minimum, high + member.maximum
    yield "\n".join(lines)


def _register(store: model.Store, item: model.Register) -> Iterator[str]:
    size = item.width // 8
    yield f"**{item.name}**: {span_of(item.offset, size)} of each slot of `{store.name}`"
    at = row_of(store).at
    if at:
        for index in dict.fromkeys((0, model.largest(store) - 1)):
            yield f"{index:,}: {at(store, index, item.offset, size)}"


#: What a field of the control word holds.
_USES = {
    model.FieldUse.FIXED: "always {0:#x}",
    model.FieldUse.READ_ONLY: "the device's: 0 is written, and ignored",
    model.FieldUse.CLEAR: "the device's: 0 is written, which clears nothing",
    model.FieldUse.PENDING: "the device's: set for a message that it could not send",
    model.FieldUse.DRIVER: "the driver's: 0 until it says otherwise",
}


def _cookie(item: model.CookieField) -> Iterator[str]:
    last = (1 << item.width) - 1
    yield (
        f"**{item.name}**: {_bits(item.shift, item.width)} of the control word, "
        f"values 0 to {last:#x} ({item.width} bits)"
    )
    if item.enable_bit is not None:
        yield f"bit {item.enable_bit} is set while it is valid"
