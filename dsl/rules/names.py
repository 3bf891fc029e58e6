"""Rules about names: what a device, store, vector, pool or cookie can be called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .. import ast
from ..codes import report
from ..diagnostics import Place, quote
from ..resolve import Block, Layouts, Scope, Slot
from .base import Found
from .words import C_KEYWORDS, KERNEL_NAMES, KERNEL_PREFIXES, made_from

#: Characters of a name.
MAX_NAME = 24

_NAME = re.compile(r"[a-z](?:_?[a-z0-9])*\Z")

_IRQ = re.compile(r"irqs?(?:_|\Z)")


#: Members of slots in C; what is between registers is `reserved0` and so on.
_MEMBER = re.compile(r"(?:address|address_hi|address_lo|control|data|message|reserved\d+)\Z")

#: Names with what they name.
Names = Iterable[tuple[str, ast.Word]]


def all_names(scope: Scope) -> Iterator[tuple[str, ast.Word]]:
    """Every name that a device's block gives."""
    yield "device", scope.decl.name
    for store in scope.stores:
        yield "store", store.item.name
        if store.own_slot:
            yield from _field_names(store.own_slot)
        for cookie in store.block.all(ast.CommandCookieItem):
            yield "cookie", cookie.name
    for vector in scope.all_vectors:
        yield "vector", vector.name
    for pool in scope.pools:
        yield "pool", pool.name
    for subdevice in scope.subdevices:
        yield "subdevice", subdevice.name


def layout_names(layouts: Layouts) -> Iterator[tuple[str, ast.Word]]:
    """Every name that named layouts give."""
    for item, slot in zip(layouts.items, layouts.slots):
        yield "layout", item.name
        yield from _field_names(slot)


def name_rule_form(names: Names) -> Found:
    """Names are lower-case C identifiers of a bearable length."""
    for kind, word in names:
        if not _NAME.match(word.text):
            better = re.sub(r"[^a-z0-9]+", "_", word.text.lower()).strip("_0123456789")
            good = word.text.isascii() and _NAME.match(better) and len(better) <= MAX_NAME
            yield report(
                "IMS020",
                f"{quote(word.text)} can't name a {kind}",
                word.span,
                "starts with a-z, goes on with a-z, 0-9 and single `_`",
                f"write `{better}`" if good else "choose another name",
            )
        elif len(word.text) > MAX_NAME:
            yield report(
                "IMS021",
                f"the name of this {kind} has {len(word.text)} characters",
                word.span,
                hint=f"at most {MAX_NAME}: names made of this one must fit on a line",
            )


def name_rule_keyword(names: Names) -> Found:
    """No name is a keyword of C."""
    for kind, word in names:
        if word.text in C_KEYWORDS:
            yield report(
                "IMS022",
                f"`{word.text}` is a keyword of C and can't name a {kind}",
                word.span,
                hint=f"choose another name, for instance `{word.text}_{kind[0]}`",
            )


def name_rule_kernel(names: Names) -> Found:
    """No name is a macro or type of the kernel, no device one of its prefixes."""
    for kind, word in names:
        if word.text in KERNEL_NAMES:
            yield report(
                "IMS023",
                f"`{word.text}` is a macro or type of the kernel and can't name a {kind}",
                word.span,
                hint=f"choose another name, for instance `{word.text}_{kind[0]}`",
            )
        elif kind == "device" and word.text in KERNEL_PREFIXES:
            yield report(
                "IMS023",
                f"`{word.text}_` starts names of the kernel itself and can't name a device",
                word.span,
                hint=f"choose another name, for instance `my{word.text}`",
            )


def _same_name(words: Names) -> Found:
    seen: dict[str, tuple[str, ast.Word]] = {}
    for kind, word in words:
        first = seen.setdefault(word.text.lower(), (kind, word))
        if first[1] is word:
            continue
        place = Place(first[1].span, f"first used here, for a {first[0]}")
        if first[1].text == word.text:
            yield report(
                "IMS024",
                f"{quote(word.text)} is used twice",
                word.span,
                f"used again here, for a {kind}",
                "choose another name for one of the two",
                [place],
            )
        else:
            yield report(
                "IMS025",
                f"{quote(word.text)} and {quote(first[1].text)} differ in case only",
                word.span,
                f"used here, for a {kind}",
                "choose another name for one of the two",
                [place],
            )


def rule_name_twice(scope: Scope) -> Found:
    """Stores, vectors, pools and subdevices share one set of names."""
    shared = ("store", "vector", "pool", "subdevice")
    yield from _same_name(pair for pair in all_names(scope) if pair[0] in shared)
    for store in scope.stores:
        cookies = store.block.all(ast.CommandCookieItem)
        yield from _same_name(("cookie", cookie.name) for cookie in cookies)


def _field_names(slot: Slot) -> Iterator[tuple[str, ast.Word]]:
    """The names that a slot's layout gives."""
    for cookie in slot.fields.all(ast.CookieItem):
        yield "cookie", cookie.name
    for field in slot.fields.all(ast.FieldItem):
        yield "field", field.name
    for register in slot.block.all(ast.OwnRegisterItem):
        yield "register", register.name


def driven(slot: Slot) -> list[ast.Word]:
    """The names of what the driver sets in a slot."""
    fields = [item.name for item in slot.fields.all(ast.FieldItem) if item.use == "driver"]
    return fields + [item.name for item in slot.block.all(ast.OwnRegisterItem)]


def slot_rule_field_twice(slot: Slot) -> Found:
    """The cookies and fields of one slot have names of their own, and no enable bit has one."""
    flags = {item.name.text: item.name for item in reversed(slot.fields.all(ast.FlagItem))}
    yield from _same_name([*(("bit", name) for name in flags.values()), *_field_names(slot)])
    for item in slot.block.all(ast.OwnRegisterItem):
        if _MEMBER.match(item.name.text):
            yield report(
                "IMS026",
                f"{quote(item.name.text)} can't name a register",
                item.name.span,
                "a member of each slot in C",
                f"choose another name, for instance `{item.name.text}_r`",
            )


def layout_rule_name_twice(layouts: Layouts) -> Found:
    """Each layout has a name of its own, in whatever file."""
    yield from _same_name(("layout", item.name) for item in layouts.items)


def rule_name_prefix(scope: Scope) -> Found:
    """A store or pool called `irq_x` would take the place of vectors' functions."""
    for kind, word in all_names(scope):
        if kind in ("store", "pool", "subdevice") and _IRQ.match(word.text):
            yield report(
                "IMS026",
                f"{quote(word.text)} can't name a {kind}",
                word.span,
                f"`{scope.name}_irq_` and `{scope.name}_irqs_` start names made for vectors "
                "and for the device",
                "choose a name that doesn't start with `irq`",
            )


def file_rule_device_twice(scopes: list[Scope]) -> Found:
    """Each device of a file has a name of its own."""
    yield from _same_name(("device", scope.decl.name) for scope in scopes)


def file_rule_made_names(scopes: list[Scope]) -> Found:
    """No identifier or file is made of two different names."""
    seen: dict[str, ast.Word] = {}
    reported: set[int] = set()
    devices: set[str] = set()
    for scope in scopes:
        if scope.name in devices or not _NAME.match(scope.name):
            continue
        devices.add(scope.name)
        words: dict[str, ast.Word] = {}
        for kind, word in all_names(scope):
            if kind not in ("cookie", "field", "register") and not (
                kind != "vector" and _IRQ.match(word.text)
            ):
                words.setdefault(word.text, word)
        stores = []
        for store in scope.stores:
            own = driven(store.slot) if store.slot else []
            words |= {f"{store.name}.{word.text}": word for word in own}
            stores.append((store.name, [word.text for word in own]))
        for made, root in made_from(
            scope.name,
            stores,
            [vector.name.text for vector in scope.all_vectors],
            [(pool.name.text, [part.store.text for part in pool.ranges]) for pool in scope.pools],
            [
                (item.name.text, [part.pool.text for part in Block(item.items).all(ast.MemberItem)])
                for item in scope.subdevices
            ],
        ):
            made_of = words.get(root)
            if made_of is None:
                continue  # can't be a name at all
            first = seen.setdefault(made, made_of)
            if first is made_of or made_of.span.start in reported:
                continue
            if words.get(made_of.text) is first:
                continue  # one name used twice: reported as that
            reported.add(made_of.span.start)
            yield report(
                "IMS026",
                f"{quote(made_of.text)} and {quote(first.text)} both make `{made}`",
                made_of.span,
                "made of this",
                "choose another name for one of the two",
                [Place(first.span, "made of this too")],
            )
