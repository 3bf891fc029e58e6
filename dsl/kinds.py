"""The kinds of stores as the language has them: each is said here, once.

Words and blocks of the grammar are made from this table, and the rules look here for what a kind
must have and what it can't do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import model
from .model import Cookie

#: Bytes of an entry of the MSI-X table (PCI).
MSIX_ENTRY = 16


@dataclass(frozen=True)
class Place:
    """A statement ``WORD @N;`` of one kind: where in the BAR something is."""

    word: str
    #: Bytes that are there; None: one slot.
    size: int | None
    #: What is there, as docs/language.md has it.
    about: str


@dataclass(frozen=True)
class StoreKind:
    """A kind of store: ``store NAME: WORD { ... }``.

    Where nothing has to be in the block, ``store NAME: WORD;`` says the same.
    """

    word: str
    model: type[model.Store]
    #: Where its messages are, as docs/language.md has it.
    about: str
    #: What a store of it is and where, in words for tables and pictures.
    what: Callable[[Any], str]
    where: Callable[[Any], str]
    #: Where a part of the message of an index is: the store, the index, the part's offset in the
    #: slot and its bytes.  None where a layout doesn't say.
    at: Callable[[Any, int, int, int], str] | None = None
    #: Where an index is masked, if that isn't in its slot; may be empty.
    masked_at: Callable[[Any, int], str] = lambda store, index: ""
    #: What the driver passes of it, beside its number of slots.
    passed: Callable[[Any], tuple[str, ...]] = lambda store: ()
    #: What messages carry along.
    cookies: Callable[[Any], tuple[Cookie, ...]] = lambda store: ()
    #: Rules of the grammar that may stand in its block, beside those of its places.
    statements: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    #: Words of statements that must be there.
    required: tuple[str, ...] = ()
    #: Most indexes where the PCI core manages the messages; else the file says how many.
    pci_limit: int | None = None
    #: Whether there is always a power of two of them.
    powers: bool = False
    #: What its indexes are called.
    indexes: str = "slots"
    #: What only interrupt remapping does for it (rules 7 and 25); empty: it can do without.
    isolation: str = ""
    #: Whether its messages need a mask bit even where remapping is required.
    always_masks: bool = False
    #: Whether one access has to change address and data (rule 23).
    pairs: bool = False
    #: Whether it is one of platform devices, and not of PCI functions.
    platform: bool = False
    #: Why a device has one store of this kind, and of others with the same reason; may be empty.
    alone: str = ""
    #: Why the kernel can't manage its interrupts (rule 26).
    unmanaged: str = "Linux spreads messages of MSI and MSI-X only"

    @property
    def is_pci(self) -> bool:
        """Whether the PCI core manages its messages."""
        return self.pci_limit is not None

    @property
    def is_ims(self) -> bool:
        """Whether its messages need a domain beside that of the PCI core."""
        return not (self.is_pci or self.platform)

    def rounded(self, count: int) -> int:
        """How many indexes there are where ``count`` are needed."""
        return 1 << (count - 1).bit_length() if self.powers and count else count

    @property
    def words(self) -> tuple[str, ...]:
        """The words that statements of its block start with."""
        names = {"slot_named": "slot", "command_cookie": "cookie"}
        own = (place.word for place in self.places)
        return tuple(dict.fromkeys((*(names.get(s, s) for s in self.statements), *own)))


def span_of(start: int, size: int) -> str:
    """Some bytes from an offset on, in words."""
    return f"bytes {start:#x} to {start + size - 1:#x}"


def bar_of(store: model.BarStore | model.RegistersStore) -> str:
    """What the slots of a store are in, in words."""
    if row_of(store).platform:
        return "the registers"
    return "the BAR that the driver passes" if store.bar is None else f"BAR {store.bar}"


def _bar_passed(store: model.BarStore) -> tuple[str, ...]:
    return ("its BAR",) if store.bar is None else ()


def _offset_passed(store: model.TableStore) -> tuple[str, ...]:
    return ("its offset",) if store.offset.runtime else ()


def _in_slots(store: model.SlotStore) -> tuple[Cookie, ...]:
    return store.layout.control.cookies if store.layout.control else ()


def _iomem_where(store: model.TableStore) -> str:
    if store.tables:
        return f"in {len(store.tables)} tables"
    if store.offset.value is None:
        return "at an offset from the driver"
    return f"at {store.offset.value:#x}"


def _iomem_at(store: model.TableStore, index: int, offset: int, size: int) -> str:
    start = store.offset.value
    for table in store.tables:
        if index < table.slots:
            start = table.offset
            break
        index -= table.slots
    inside = offset + (index * store.layout.stride if store.layout.data else 0)
    if start is None:
        return f"{size} bytes at `offset + {inside:#x}` of {bar_of(store)}"
    return f"{span_of(start + inside, size)} of {bar_of(store)}"


def _iomem_masked(store: model.IomemStore, index: int) -> str:
    bits = store.mask_bits
    if bits is None:
        return ""
    return f"masked by bit {index % 32} of {bits.offset + index // 32 * 4:#x} of BAR {bits.bar}"


def _indirect_at(store: model.IndirectStore, index: int, offset: int, size: int) -> str:
    where = f"{span_of(store.window + offset, size)} of {bar_of(store)}"
    return f"{where} while {index} is in the register at `{store.select:#x}`"


def _memory_at(store: model.MemoryStore, index: int, offset: int, size: int) -> str:
    return f"{span_of(index * store.layout.stride + offset, size)} of the table in memory"


_ONE_DOMAIN = "a platform device has one MSI domain"

#: All kinds.
KINDS = (
    StoreKind(
        "msi",
        model.MsiStore,
        about=f"of multi-message MSI, up to {model.MAX_MSI} messages, a power of two",
        what=lambda store: "MSI",
        where=lambda store: "the PCI core keeps it",
        statements=("slots",),
        pci_limit=model.MAX_MSI,
        powers=True,
        indexes="messages",
        alone="a PCI function has one MSI capability",
    ),
    StoreKind(
        "msix",
        model.MsixStore,
        about=f"in the MSI-X table, of up to {model.MAX_MSIX:,} entries",
        what=lambda store: "MSI-X table",
        where=lambda store: "the PCI core keeps it",
        at=lambda store, index, offset, size: (
            f"{span_of(index * MSIX_ENTRY + offset, size)} of the MSI-X table"
        ),
        statements=("slots",),
        pci_limit=model.MAX_MSIX,
        indexes="entries",
        alone="a PCI function has one MSI-X table",
    ),
    StoreKind(
        "iomem",
        model.IomemStore,
        about="in slots in a BAR",
        what=lambda store: f"slots in {bar_of(store)}",
        where=_iomem_where,
        at=_iomem_at,
        masked_at=_iomem_masked,
        passed=lambda store: _bar_passed(store) + _offset_passed(store),
        cookies=_in_slots,
        statements=(
            "bar",
            "offset",
            "slots",
            "table",
            "mask_bits",
            "pending",
            "unmaskable",
            "slot",
            "slot_named",
        ),
        required=("bar", "offset", "slots", "slot"),
    ),
    StoreKind(
        "indirect",
        model.IndirectStore,
        about="in slots in a BAR that show one at a time, as in I/O APICs and many SoCs",
        what=lambda store: f"slots in a window of {bar_of(store)}",
        where=lambda store: f"one at {store.window:#x}, chosen at {store.select:#x}",
        at=_indirect_at,
        passed=_bar_passed,
        cookies=_in_slots,
        statements=("bar", "slots", "slot", "slot_named"),
        places=(
            Place(
                "select",
                4,
                "the 32-bit register, in the slots' byte order, that takes the index of the slot "
                "which is to show",
            ),
            Place("window", None, "the slot that shows"),
        ),
        required=("bar", "select", "window", "slots", "slot"),
        always_masks=True,
    ),
    StoreKind(
        "memory",
        model.MemoryStore,
        about="in slots in system memory, which the device fetches; the driver passes the address",
        what=lambda store: "slots in memory",
        where=lambda store: "at an address from the driver",
        at=_memory_at,
        passed=lambda store: ("its address",),
        cookies=_in_slots,
        statements=("slots", "unmaskable", "slot", "slot_named"),
        required=("slots", "slot"),
        pairs=True,
    ),
    StoreKind(
        "command",
        model.CommandStore,
        about="changed by a command of the device only",
        what=lambda store: "messages",
        where=lambda store: "written by a command of the device",
        passed=lambda store: ("its command",),
        cookies=lambda store: store.cookies,
        statements=("slots", "command_cookie"),
        required=("slots",),
        indexes="messages",
        isolation="moves an interrupt to another CPU without changing its message",
        unmanaged="CPU offline shuts a managed interrupt down where no device command can wait",
    ),
    StoreKind(
        "exported",
        model.ExportedStore,
        about="sent by a peer, which is told when one changes",
        what=lambda store: "messages",
        where=lambda store: "sent by a peer",
        passed=lambda store: ("whom to tell",),
        statements=("slots",),
        required=("slots",),
        indexes="messages",
        isolation="keeps a message that the peer still sends from doing harm",
    ),
    StoreKind(
        "registers",
        model.RegistersStore,
        about="in slots in its registers, which the driver maps",
        what=lambda store: (
            "slots in the registers" if store.layout.data else "one address in the registers"
        ),
        where=_iomem_where,
        at=_iomem_at,
        passed=_offset_passed,
        cookies=_in_slots,
        statements=("offset", "slots", "table", "unmaskable", "slot", "slot_named"),
        required=("offset", "slots", "slot"),
        platform=True,
        alone=_ONE_DOMAIN,
    ),
    StoreKind(
        "passed",
        model.PassedStore,
        about="passed on by the driver, to firmware or to a host",
        what=lambda store: "messages",
        where=lambda store: "passed on by the driver",
        passed=lambda store: ("who passes them on",),
        statements=("slots",),
        required=("slots",),
        platform=True,
        indexes="messages",
        alone=_ONE_DOMAIN,
    ),
)

#: The kinds by their words, and by their part of the model.
BY_WORD = {kind.word: kind for kind in KINDS}
BY_MODEL = {kind.model: kind for kind in KINDS}


def row_of(store: model.Store) -> StoreKind:
    """The row of a store's kind.  Raises KeyError for one that isn't in the table."""
    return BY_MODEL[type(store)]


#: The words of statements that are places.
PLACES = tuple(dict.fromkeys(place.word for kind in KINDS for place in kind.places))


def homes() -> dict[str, str]:
    """Where the statements of stores belong, in words."""
    blocks = [kind for kind in KINDS if kind.words]
    out = {}
    for word in dict.fromkeys(word for kind in blocks for word in kind.words):
        kinds = [kind.word for kind in blocks if word in kind.words]
        out[word] = "a store" if len(kinds) == len(blocks) else _a_store(kinds)
    return out


def _a_store(kinds: list[str]) -> str:
    names = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    return f"{'an' if names[0] in 'aeiou' else 'a'} {names} store"


def grammar(base: str) -> str:
    """The part of the grammar that is about stores: the rule ``store`` and what only it needs.

    ``base`` is the rest of it; words that it has are not defined again.
    """
    stores = [f"STORE NAME COLON {_terminal(kind.word)} {_block(kind)}" for kind in KINDS]
    rules = ["store: " + "\n    | ".join(stores)]
    for kind in KINDS:
        own = [f"{place.word}_place" for place in kind.places]
        items = "\n    | ".join((*kind.statements, *own, "BAD"))
        rules.append(f"_{kind.word}_item: {items}")
    rules += [f"{word}_place: {_terminal(word)} AT NUMBER SEMICOLON -> place" for word in PLACES]
    words = dict.fromkeys((*(kind.word for kind in KINDS), *PLACES))
    new = [f'{_terminal(w)}: "{w}"' for w in words if f"\n{_terminal(w)}:" not in base]
    return "\n\n".join([*rules, "\n".join(new)]) + "\n"


def _terminal(word: str) -> str:
    return word.upper()


def _block(kind: StoreKind) -> str:
    block = f"LBRACE _{kind.word}_item* RBRACE"
    return block if kind.required else f"({block} | SEMICOLON)"
