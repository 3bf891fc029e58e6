"""Rules about properties: what is said twice, is missing, or contradicts something else."""

from __future__ import annotations

import re

from .. import ast, model
from ..codes import report
from ..diagnostics import Diagnostic, Place, nearest, quote
from ..resolve import Block, Scope, Slot, Store
from ..source import Span
from .base import MAX_GUESSES, Found, again, count
from .slots import WIDTHS

_PCI_ID = re.compile(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}\Z")

_PCI_CLASS = re.compile(r"[0-9A-Fa-f]{6}\Z")


def _twice(what: str, spans: list[Span]) -> Found:
    for span in spans[1:]:
        yield again(what, span, spans[0])


def rule_property_twice(scope: Scope) -> Found:
    """What can be said once is said once."""
    yield from _twice("path", [item.span for item in scope.block.all(ast.PathItem)])
    yield from _twice("architecture", [item.span for item in scope.architectures])
    for required, words in (
        (True, "requires remapping"),
        (False, "remapping optional"),
    ):
        spans = [item.span for item in scope.remappings if item.required is required]
        yield from _twice(words, spans)
    yield from _twice("requires vectors", [item.span for item in scope.minimums])
    for store in scope.stores:
        yield from _twice("bar", [item.span for item in store.block.all(ast.BarItem)])
        for word in ("offset", "slots"):
            yield from _twice(word, [i.span for i in store.block.all(ast.SizeItem, word)])
        for word in store.kind.words:
            yield from _twice(word, [i.span for i in store.block.all(ast.PlaceItem, word)])
        for word in ("mask_bits", "pending"):
            yield from _twice(word, [i.span for i in store.block.all(ast.BitsItem, word)])
        yield from _twice("unmaskable", [i.span for i in store.block.all(ast.UnmaskableItem)])
        slots = [item.head for item in store.block.all(ast.SlotItem)]
        slots += [item.span for item in store.block.all(ast.SlotNameItem)]
        yield from _twice("slot", sorted(slots, key=lambda span: span.start))
    for pool in scope.pools:
        block = Block(pool.items)
        yield from _twice("share", [item.span for item in block.all(ast.ShareItem)])
        yield from _twice("dedicated", [item.span for item in block.all(ast.DedicatedItem)])
        yield from _twice("reserve", [item.span for item in block.all(ast.ReserveItem)])
        yield from _twice("managed", [item.span for item in block.all(ast.ManagedItem)])
        yield from _twice("cpus", [item.span for item in block.all(ast.CpusItem)])


def slot_rule_property_twice(slot: Slot) -> Found:
    """What can be said once of a slot is said once."""
    for word in WIDTHS:
        spans = [i.span for i in slot.block.all(ast.RegisterItem, word)]
        if word == "data":
            spans += [i.span for i in slot.block.all(ast.DataIndexItem)]
        yield from _twice(word, sorted(spans, key=lambda span: span.start))
    yield from _twice("control", [item.register.span for item in slot.controls])
    yield from _twice("address bits", [i.span for i in slot.block.all(ast.AddressBitsItem)])
    yield from _twice("mask", [item.span for item in slot.fields.all(ast.MaskItem)])
    flags: dict[str, ast.FlagItem] = {}
    for flag in slot.fields.all(ast.FlagItem):
        first = flags.setdefault(flag.name.text, flag)
        if first is not flag:
            yield again(flag.name.text, flag.span, first.span)


def _missing(what: str, hint: str, span: Span) -> Diagnostic:
    return report("IMS041", f"{what} is missing", span, "in this block", hint)


def rule_property_missing(scope: Scope) -> Found:
    """What stores and slots need is there."""
    for store in scope.stores:
        for word, there, example in (
            ("bar", store.bar, "bar 0;` or `bar runtime;"),
            ("offset", store.offset or store.tables, "offset 0x1000;` or `offset runtime;"),
            ("slots", store.slots or store.tables, "slots 64;` or `slots runtime max 64;"),
            ("slot", store.own_slot or store.layout, "slot 16 { ... }"),
            *((p.word, store.places.get(p), f"{p.word} @0x10;") for p in store.kind.places),
        ):
            lost = store.block.may_have(word, *(["table"] if word in ("offset", "slots") else []))
            if word in store.kind.required and not there and not lost:
                yield _missing(f"`{word}`", f"write `{example}`", store.item.head)


def slot_rule_property_missing(slot: Slot) -> Found:
    """What every slot needs is there."""
    for words, example in (
        (("address", "address_lo"), "address_lo @0;` or `address @0;"),
        (("data",), "data @8;"),
    ):
        found = any(slot.register(word) for word in words)
        found |= words == ("data",) and slot.data_index is not None
        if not found and not slot.block.may_have(*words):
            what = " or ".join(f"`{word}`" for word in reversed(words))
            yield _missing(what, f"write `{example}`", slot.item.head)


def _meant_id(text: str, form: re.Pattern[str]) -> str:
    """The hint for an id that is one but for `0x` and zeros in front; else empty."""
    digits = [part.lower().removeprefix("0x") for part in text.split(":")]
    if form is _PCI_ID:
        digits = [part.zfill(4) for part in digits]
    made = ":".join(digits)
    return f"write `pci {'class ' * (form is _PCI_CLASS)}{made};`" if form.match(made) else ""


def rule_pci_id(scope: Scope) -> Found:
    """PCI ids have the right number of digits, and each is there once."""
    seen: dict[str, Span] = {}
    for item in scope.decl.items:
        if not isinstance(item, (ast.PciIdItem, ast.PciClassItem)):
            continue
        text = item.text.text
        if isinstance(item, ast.PciClassItem):
            form, example = _PCI_CLASS, "pci class 010802;"
        else:
            form, example = _PCI_ID, "pci 8086:0b25;"
        if not form.match(text):
            yield report(
                "IMS042",
                f"{quote(text)} is not a PCI {'class' if form is _PCI_CLASS else 'id'}",
                item.text.span,
                hint=_meant_id(text, form)
                or f"write `{example}`, in hexadecimal digits without `0x`",
            )
            continue
        if text.lower().startswith("ffff:"):
            yield report(
                "IMS042",
                "ffff is no PCI vendor",
                item.text.span,
                "what an empty slot of the bus reads as",
                "write the vendor's id from the datasheet",
            )
        first = seen.setdefault(text.lower(), item.text.span)
        if first is not item.text.span:
            yield report(
                "IMS043",
                f"the PCI {'class' if form is _PCI_CLASS else 'id'} {quote(text)} is given twice",
                item.text.span,
                "given again here",
                "remove one of the two",
                [Place(first, "first given here")],
            )


def file_rule_pci_between(scopes: list[Scope]) -> Found:
    """No two devices of a file have one PCI id: each would match the other's function."""
    seen: dict[str, tuple[Scope, Span]] = {}
    for scope in scopes:
        for item in scope.block.all(ast.PciIdItem):
            first = seen.setdefault(item.text.text.lower(), (scope, item.text.span))
            if first[0] is not scope:
                yield report(
                    "IMS043",
                    f"two devices have the PCI id {quote(item.text.text)}",
                    item.text.span,
                    f"of `{scope.name}`",
                    "give it to one of the two",
                    [Place(first[1], f"of `{first[0].name}`")],
                )


def rule_empty(scope: Scope) -> Found:
    """A device has an id, and something that interrupts."""
    decl = scope.decl
    if not decl.items:
        yield report(
            "IMS045",
            f"the device {quote(scope.name)} is empty",
            decl.span,
            hint="give it a PCI id, a store, and a vector or pool",
        )
        return
    ids = (ast.PciIdItem, ast.PciClassItem, ast.PlatformIdItem)
    has_id = any(isinstance(i, ids) for i in decl.items)
    if not has_id and not scope.block.may_have("pci", "platform", "acpi"):
        yield report(
            "IMS044",
            f"the device {quote(scope.name)} has no PCI id",
            decl.head,
            hint="write `pci 8086:0b25;` or `pci class 010802;`",
        )
    if not scope.vectors and not scope.pools and not scope.block.may_have("vector", "pool"):
        yield report(
            "IMS046",
            f"the device {quote(scope.name)} has neither a vector nor a pool",
            decl.head,
            hint="write `vector NAME = STORE[0];` or `pool NAME = STORE { ... }`",
        )


def rule_remapping(scope: Scope) -> Found:
    """Remapping is required or optional, not both."""
    first = scope.remappings[0] if scope.remappings else None
    for item in scope.remappings[1:]:
        if first and item.required is not first.required:
            yield report(
                "IMS047",
                "interrupt remapping is both required and optional",
                item.span,
                "disagrees with the other",
                "remove one of the two",
                [Place(first.span, "first said here")],
            )
            return


#: Vectors that Linux can give a device: of an MSI domain of its own, and of MSI-X.
MAX_VECTORS = model.MAX_INDEXES + model.MAX_MSIX


def _granted(scope: Scope, store: Store) -> int | None:
    """Vectors that a store can have at most; None where that isn't known.

    Without a pool no more of MSI and MSI-X are wanted than the special vectors take.
    """
    pooled = any(part.store.text == store.name for pool in scope.pools for part in pool.ranges)
    if not store.is_pci or pooled:
        return store.limit
    most = 0
    for item in scope.vectors:
        if item.store.text == store.name:
            last = item.last or item.number
            if last.value is None:
                return None
            most = max(most, last.value + 1)
    return most


def rule_minimum(scope: Scope) -> Found:
    """The driver needs a vector at least, and not more than there can ever be."""
    for item in scope.minimums[:1]:
        number = item.number.value
        if number is None:
            continue
        if not 1 <= number <= MAX_VECTORS:
            yield report(
                "IMS121",
                f"no driver can need {count(number, 'vector')}",
                item.number.span,
                hint=f"a device has 1 to {MAX_VECTORS:,}; leave the statement out if any "
                "number will do",
            )
            continue
        if scope.block.may_have("store", "pool", "vector"):
            continue
        stores = list(scope.by_name.values())
        granted = [_granted(scope, store) for store in stores]
        known = [most for most in granted if most is not None]
        if len(known) == len(granted) and sum(known) < number:
            yield report(
                "IMS122",
                f"the stores can never hold {count(number, 'vector')}",
                item.number.span,
                f"{count(sum(known), 'vector')} at most",
                "lower the minimum, or check the sizes of the stores",
                [
                    Place(store.item.head, f"has at most {count(most, 'vector')}")
                    for store, most in zip(stores, known, strict=True)
                ],
            )


#: What `architecture` may name: the words of the kernel's Kconfig in lower case.
ARCHITECTURES = (
    "arm",
    "arm64",
    "loongarch",
    "mips",
    "powerpc",
    "riscv",
    "s390",
    "sparc",
    "x86",
    "x86_64",
)

#: Architectures whose interrupt domains take messages of IMS stores and can isolate them, and those
#: which take them only.  The series brings the patches (generator/series.py).
ISOLATING = {"x86", "x86_64", "arm64"}
PARENTS = {*ISOLATING, "riscv"}


def rule_architecture(scope: Scope) -> Found:
    """Architectures are the kernel's, each named once."""
    for item in scope.architectures[:1]:
        seen: dict[str, ast.Word] = {}
        for word in item.names:
            first = seen.setdefault(word.text, word)
            if first is not word:
                yield again(word.text, word.span, first.span)
            elif word.text not in ARCHITECTURES:
                near = nearest(word.text, ARCHITECTURES) if len(seen) < MAX_GUESSES else None
                near = _OTHER_NAMES.get(word.text.lower(), near)
                known = ", ".join(f"`{name}`" for name in ARCHITECTURES)
                yield report(
                    "IMS120",
                    f"there is no architecture {quote(word.text)}",
                    word.span,
                    hint=f"did you mean `{near}`?" if near else f"known are {known}",
                )


def rule_architecture_parent(scope: Scope) -> Found:
    """Somewhere where the device exists, Linux takes messages of IMS stores."""
    store = next((one for one in scope.stores if one.is_ims), None)
    if store is None or not scope.architectures:
        return
    item = scope.architectures[0]
    names = {name.text for one in scope.architectures for name in one.names}
    if names <= set(ARCHITECTURES) - PARENTS:
        yield report(
            "IMS123",
            f"nothing takes the messages of {quote(store.name)} there",
            item.span,
            "no interrupt domain of Linux takes them there today",
            "add `x86_64`, or keep the messages in MSI-X",
            [Place(store.item.head, f"the {store.item.kind} store")],
        )
    elif scope.required and names <= set(ARCHITECTURES) - ISOLATING:
        yield report(
            "IMS123",
            f"nothing isolates the messages of {quote(store.name)} there",
            item.span,
            "an IMSIC takes any message of any device",
            "add `x86_64` or `arm64`"
            + (
                "" if scope.isolated else ", or write `remapping optional;` where users are trusted"
            ),
            [Place(store.item.head, f"the {store.item.kind} store")],
        )


#: What architectures are called elsewhere.
_OTHER_NAMES = {
    "aarch64": "arm64",
    "amd64": "x86_64",
    "i386": "x86",
    "ia32": "x86",
    "ppc": "powerpc",
    "ppc64": "powerpc",
    "riscv64": "riscv",
    "x64": "x86_64",
}


def rule_isolation(scope: Scope) -> Found:
    """Rules 32 and 33: dedicated IMS vectors without required remapping are worth a word."""
    optional = next((item for item in scope.remappings if not item.required), None)
    if optional is None or scope.isolated is not None:
        return  # where it can't be optional, that is refused
    for pool in scope.pools:
        dedicated = Block(pool.items).first(ast.DedicatedItem)
        part = scope.ims_range(pool)
        if dedicated and part:
            yield report(
                "IMS048",
                f"dedicated vectors of {quote(pool.name.text)} are not isolated",
                optional.span,
                "accepts platforms without interrupt remapping",
                "remove `remapping optional;` unless all users of the device are trusted",
                [Place(dedicated.span, "may be handed to a guest")],
            )
