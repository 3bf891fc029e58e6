"""What templates see of a store."""

from __future__ import annotations

from dataclasses import dataclass

from .parts import Line, Member


@dataclass(frozen=True)
class Special:
    """A vector with a fixed purpose."""

    name: str
    index: int
    purpose: str
    #: Where it is and how its handler runs, in words.
    where: str
    #: The store, where a command for the vector can fail; else empty.
    error: str
    #: Whether it is an array, whose first index this is, and the index of number ``i`` of it.
    array: bool
    number: str
    #: The interrupt, and what goes through those that there are, of an array or optional ones.
    irq: str
    each: str
    #: The index: a number, what the driver passes, or the last one; and the last one of an array.
    at: str
    last: int
    runtime: bool
    optional: bool
    #: Whether it has the last index that there is.
    end: bool


@dataclass(frozen=True)
class Access:
    """A register of a slot and how it is written and read."""

    name: str
    write: str
    read: str
    #: What is written: of the message.
    value: str


@dataclass(frozen=True)
class Control:
    """The control word: expressions for its values, and the type which holds one."""

    name: str
    type: str
    write: str
    read: str
    masked: str
    unmasked: str
    reset: str
    #: That of an unmasked message without a cookie.
    idle: str
    #: Its value as it is read.
    value: str


@dataclass(frozen=True)
class MaskBits:
    """Mask bits outside of the slots: arguments of pci_ims_set_mask()."""

    masked: str
    unmasked: str


@dataclass(frozen=True)
class Pair:
    """Address and data of a slot in memory, which are one word."""

    type: str
    value: str
    #: The high half of the address, where there is one: member and value.
    hi: str
    hi_value: str


@dataclass(frozen=True)
class Shadow:
    """A control word in which the driver has fields: arguments of pci_ims_change_ctrl()."""

    masked: str
    unmasked: str


@dataclass(frozen=True)
class OwnRegister:
    """A register that the driver writes: its number, and how it is written and read."""

    number: int
    name: str
    write: str
    read: str
    value: str


@dataclass(frozen=True)
class Setter:
    """What the driver sets in a slot: the function and what it calls."""

    fn: str
    what: str
    call: str


@dataclass(frozen=True)
class Slots:
    """A store that is a table of slots: their layout and the functions which touch them."""

    name: str
    fn: str
    path: str
    file: str
    guard: str
    includes: tuple[str, ...]
    defines: tuple[Line, ...]
    members: tuple[Member, ...]
    stride: int
    #: The template of the functions.
    functions: str
    #: What the functions take, up to its name: a pointer to a slot, or what leads to one.
    pointer: str
    #: Type of a pointer to a slot, up to the name; where a descriptor has it.
    slot: str
    where: str
    in_desc: str
    control: Control | None
    #: Whether that masks messages, or only carries cookies.
    mask_bit: bool
    cookies_only: bool
    #: Set where the driver has fields in the control word.
    shadow: Shadow | None
    #: The bit of the control word which the device sets for what waits; empty without one.
    pending: str
    own: tuple[OwnRegister, ...]
    bits: MaskBits | None
    #: Whether messages can be masked, in whatever way.
    masks: bool
    #: Whether a parent may rewrite a message in use.
    rewrites: bool
    #: Whether the slot can be masked around that.
    write_live: bool
    #: How the library's macro for that is called.
    write_macro: str
    #: Registers of a message in the order in which they are written, and emptied.
    writes: tuple[Access, ...]
    clears: tuple[Access, ...]
    last: Access
    cleared: Access
    pair: Pair | None


@dataclass(frozen=True)
class CookiePart:
    """A cookie and how it is checked."""

    name: str
    what: str
    optional: bool
    #: What stands for none.
    NONE: str
    #: Where a control word has it, and the bits of that.
    FIELD: str
    bits: str
    #: The highest value; empty if all are good.
    limit: str


@dataclass(frozen=True)
class Cookie:
    """What messages of a store carry along, given by who gets a dedicated vector."""

    #: The struct, and the function which makes what the library takes.
    struct: str
    fn: str
    store: str
    #: The template of the function.
    code: str
    parts: tuple[CookiePart, ...]
    #: The control word of a message without a cookie.
    idle: str
    #: Whether there is something to check; what is returned for no cookie at all.
    checked: bool
    missing: str
    #: What the driver has to know of one that it passes for later, behind what it is.
    stays: str = ""


@dataclass(frozen=True)
class Managed:
    """A pool whose vectors the kernel spreads over the CPUs, one a queue."""

    name: str
    fn: str
    purpose: str
    first: int
    #: Index of a vector in the store.
    index: str


@dataclass(frozen=True)
class PlatformView:
    """How a store of a platform device is set up."""

    #: The template of what touches its messages.
    touches: str
    #: What reaches them, a member of the device's struct: its name, and how it is declared.
    handle: Line
    #: Messages that are allocated at most, slots that there can be, and whether the driver passes
    #: their number.
    most: int
    slots: int
    runtime: bool
    #: Whether that goes through an array of vectors.
    loops: bool


@dataclass(frozen=True)
class StoreView:
    """A store of any kind; templates which are empty aren't included."""

    name: str
    fn: str
    #: Number of the store in the sources of the pools; empty if no pool has it.
    ENUM: str
    #: How a pool takes it: an expression.
    source: str
    vectors: tuple[Special, ...]
    #: Those that are arrays, where each vector is allocated by itself.
    arrays: tuple[Special, ...]
    #: Those whose indexes the driver passes, and the vectors that there are at least.
    passed: tuple[Special, ...]
    least: int
    #: How many more there must be than the index that the driver passes.
    behind: int
    #: The one that has the last index, which no pool has.
    at_end: str
    slots: Slots | None
    cookie: Cookie | None
    managed: Managed | None
    #: Initialisers of its description and of its parameters, and tables of slots.
    info: tuple[Line, ...]
    params: tuple[Line, ...]
    tables: tuple[Line, ...]
    #: Of MSI and MSI-X, as pci_alloc_irq_vectors() calls it.
    TYPE: str
    #: Templates.
    code: str
    locals: str
    init: str
    exit: str
    shutdown: str
    setters: tuple[Setter, ...] = ()
    platform: PlatformView | None = None
    #: What only the templates of its kind see: a dataclass in the kind's module.
    own: object | None = None
