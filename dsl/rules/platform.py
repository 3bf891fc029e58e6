"""Rules about platform devices: what they are found by, and what they can't have."""

from __future__ import annotations

import re

from .. import ast
from ..codes import report
from ..diagnostics import Place, quote
from ..resolve import Scope, Store
from ..source import Span
from .base import Found, again
from .device import ARCHITECTURES

#: Characters of a compatible in a table of ids (include/linux/mod_devicetable.h), less its end.
MAX_COMPATIBLE = 127

_COMPATIBLE = re.compile(r"[a-z][a-z0-9.-]*,[A-Za-z0-9][A-Za-z0-9._+-]*\Z")

#: A vendor of PNP has three letters, one of ACPI four letters or digits.
_ACPI = re.compile(r"(?:[A-Z]{3}|[A-Z0-9]{4})[0-9A-F]{4}\Z")

#: Architectures with an interrupt domain that takes messages of platform devices, and those of
#: them where it never changes a message in use (rule 53).
PARENTS = ("arm", "arm64", "riscv")
STEADY = ("arm", "arm64")


def rule_platform_id(scope: Scope) -> Found:
    """Compatibles and ACPI ids have their forms, and each is there once."""
    seen: dict[tuple[str, str], Span] = {}
    for item in scope.platform_ids:
        text, acpi = item.text.value, item.keyword == "acpi"
        good = _ACPI.match(text) if acpi else _COMPATIBLE.match(text)
        if not good or len(text) > MAX_COMPATIBLE:
            what = "an ACPI id" if acpi else "a compatible"
            form = '`acpi "ABCD0001";`, capital letters and digits'
            if not acpi:
                form = '`platform "vendor,device";`, as the binding has it'
            yield report(
                "IMS148", f"{quote(text)} is not {what}", item.text.span, hint=f"write {form}"
            )
            continue
        first = seen.setdefault((item.keyword, text), item.span)
        if first is not item.span:
            yield again(item.keyword, item.span, first)


def _pci_ids(scope: Scope) -> list[ast.PciIdItem | ast.PciClassItem]:
    return [*scope.block.all(ast.PciIdItem), *scope.block.all(ast.PciClassItem)]


def rule_one_bus(scope: Scope) -> Found:
    """A device is on a PCI bus or a platform device."""
    pci = sorted(_pci_ids(scope), key=lambda item: item.span.start)
    if pci and scope.platform_ids:
        yield report(
            "IMS149",
            f"{quote(scope.name)} is a PCI function and a platform device",
            scope.platform_ids[0].span,
            "found as a platform device",
            "make two devices of it: their messages are in different places",
            [Place(pci[0].span, "found on a PCI bus")],
        )


def rule_store_of_bus(scope: Scope) -> Found:
    """A device has the stores of its bus."""
    ids = scope.platform_ids
    pci = _pci_ids(scope)
    if bool(ids) is bool(pci):
        return  # of both or of none, refused as that
    for store in scope.stores:
        kind = store.kind.word
        if ids and not store.kind.platform:
            yield report(
                "IMS150",
                f"a platform device can't have the {kind} store {quote(store.name)}",
                store.item.head,
                "of PCI functions",
                "write `store NAME: registers { ... }`",
                [Place(ids[0].span, "a platform device")],
            )
        elif pci and store.kind.platform and not scope.block.may_have("platform", "acpi"):
            yield report(
                "IMS150",
                f"a PCI function can't have the {kind} store {quote(store.name)}",
                store.item.head,
                "of platform devices",
                "write `store NAME: iomem { ... }`, with the BAR in it",
                [Place(pci[0].span, "a PCI function")],
            )


def rule_platform_architecture(scope: Scope) -> Found:
    """Wherever a platform device exists, Linux takes its messages."""
    if not scope.platform_ids or _pci_ids(scope):
        return
    place = [Place(scope.platform_ids[0].span, "a platform device")]
    for item in scope.architectures[:1]:
        for word in item.names:
            if word.text in ("x86", "x86_64"):
                why = "its interrupt domains refuse them"
            elif word.text in ARCHITECTURES and word.text not in PARENTS:
                why = "no interrupt domain of Linux takes them there today"
            else:
                continue
            yield report(
                "IMS151",
                f"nothing takes messages of platform devices on {word.text}",
                word.span,
                why,
                "leave it out: " + ", ".join(f"`{name}`" for name in PARENTS) + " can do it",
                place,
            )


def rule_platform_remapping(scope: Scope) -> Found:
    """Remapping isolates PCI functions; messages of platform devices are trusted."""
    if not scope.platform_ids or _pci_ids(scope):
        return
    for item in scope.remappings:
        yield report(
            "IMS152",
            "interrupt remapping of a platform device",
            item.span,
            hint="leave it out: platform devices are part of the machine, and their messages are "
            "sent as they are",
            secondary=[Place(scope.platform_ids[0].span, "a platform device")],
        )


def rule_steady(scope: Scope) -> Found:
    """Rule 53: where a parent changes a message in use, something masks it meanwhile."""
    if not scope.platform_ids or _pci_ids(scope):
        return
    named = [word for item in scope.architectures[:1] for word in item.names]
    bad = next((word for word in named if word.text in PARENTS and word.text not in STEADY), None)
    if (named and bad is None) or scope.block.may_have("architecture"):
        return
    for store in scope.stores:
        if store.slot and store.slot.data_index:
            continue  # which asks for more, see rule_index_parent()
        if store.unmaskable and store.kind.platform:
            yield report(
                "IMS153",
                f"messages of {quote(store.name)} can be torn on riscv",
                bad.span if bad else store.unmaskable.span,
                "an IMSIC changes a message in use" if bad else "nothing masks them",
                "say where the device exists, as in `architecture arm64;`, or give the slot a "
                "mask bit",
                [Place(store.unmaskable.span, "nothing masks them")] if bad else (),
            )


def rule_plain_slots(scope: Scope) -> Found:
    """Slots of a platform device hold a message, its mask bit, and what is always the same."""
    for store in scope.stores:
        if store.slot is None or not store.kind.platform:
            continue
        items: list[ast.CookieItem | ast.OwnRegisterItem | ast.FieldItem]
        items = [*store.slot.fields.all(ast.CookieItem)]
        items += store.slot.block.all(ast.OwnRegisterItem)
        items += [i for i in store.slot.fields.all(ast.FieldItem) if i.use in ("driver", "pending")]
        for item in items:
            yield report(
                "IMS154",
                f"{quote(item.name.text)} can't be in a slot of a platform device",
                _place(store, item.span),
                hint="leave it out: who allocates all messages at once gives none of them a value, "
                "and what the driver writes it writes by itself",
                secondary=[Place(store.item.head, f"the {store.kind.word} store")],
            )


def rule_oneshot(scope: Scope) -> Found:
    """Rule 51: the interrupt chip of platform devices wants threads without a handler masked."""
    if not scope.platform_ids or _pci_ids(scope):
        return
    for item in scope.all_vectors:
        if item.context == "threaded":
            yield report(
                "IMS155",
                f"the thread of {quote(item.name.text)} needs its interrupt masked",
                item.span,
                "of a platform device",
                "write `oneshot`",
                [Place(scope.platform_ids[0].span, "a platform device")],
            )


def rule_data_index(scope: Scope) -> Found:
    """Rule 55: only messages of platform devices are known to have their index as data."""
    for store in scope.stores:
        found = store.slot.data_index if store.slot else None
        if found and not store.kind.platform:
            yield report(
                "IMS156",
                f"messages of {quote(store.name)} have data of their own",
                _place(store, found.span),
                f"in {store.kind.word} stores",
                "write `data @8;`: where the device keeps it",
                [Place(store.item.head, f"the {store.kind.word} store")],
            )


def rule_one_address(scope: Scope) -> Found:
    """Messages that have their index as data are sent to one address, which is in one place."""
    for store in scope.stores:
        slot = store.slot
        if slot is None or slot.data_index is None or not store.kind.platform:
            continue
        mask = slot.fields.first(ast.MaskItem)
        for item, label in (
            (mask and _place(store, mask.span), "masks all of them"),
            (store.tables[1].span if len(store.tables) > 1 else None, "a second place"),
        ):
            if item:
                yield report(
                    "IMS157",
                    f"the messages of {quote(store.name)} have one slot",
                    item,
                    label,
                    "leave it out: with `data index;` the device has one address for all messages",
                    [Place(slot.data_index.span, "messages differ in nothing that is kept")],
                )


def rule_index_parent(scope: Scope) -> Found:
    """Rule 55: the data of a message is its index below the ITS of a GIC, which arm64 has."""
    named = [word for item in scope.architectures[:1] for word in item.names]
    bad = next((word for word in named if word.text != "arm64"), None)
    if not scope.platform_ids or (named and bad is None) or scope.block.may_have("architecture"):
        return
    if bad and bad.text not in PARENTS:
        return  # refused as that
    for store in scope.stores:
        found = store.slot.data_index if store.slot else None
        if found and store.kind.platform:
            place = _place(store, found.span)
            yield report(
                "IMS158",
                f"messages of {quote(store.name)} have their index as data on arm64 only",
                bad.span if bad else place,
                "no ITS of a GIC there" if bad else "",
                "write `architecture arm64;`",
                [Place(place, "the data is the index")] if bad else (),
            )


def _place(store: Store, span: Span) -> Span:
    return store.layout.span if store.own_slot is None and store.layout is not None else span
