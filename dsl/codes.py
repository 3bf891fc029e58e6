"""The catalogue of what can be wrong: code, severity, meaning and explanation.

A code keeps its meaning for ever; one that is no longer used isn't given to another finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .diagnostics import Diagnostic, Place, Severity
from .kinds import KINDS
from .source import Span


@dataclass(frozen=True)
class Code:
    """One code: ``meaning`` is a line, ``explanation`` a few sentences with the reason."""

    meaning: str
    explanation: str
    severity: Severity = Severity.ERROR


#: What stores must have, by kinds.
_REQUIRED = "; ".join(
    f"{kind.word} " + ", ".join(f"`{word}`" for word in kind.required)
    for kind in KINDS
    if kind.required
)

CODES: dict[str, Code] = {
    # Files.
    "IMS001": Code(
        "the file can't be read",
        "The operating system refused to open or read the file, or one that it includes; the "
        "reason is in the message. Included files are looked for in the folder of the including "
        "file, then in those given by `-I`.",
    ),
    "IMS002": Code(
        "the file is too large",
        "A file and what it includes may have 1 MiB, and 20,000 statements, blocks and ranges. "
        "The interrupt chapter of a large device takes a few KiB; a larger file is something "
        "else than a description.",
    ),
    "IMS003": Code(
        "the file is not UTF-8",
        "Files are UTF-8. A byte order mark at the start is skipped. Nothing of a file in "
        "another encoding is read.",
    ),
    "IMS004": Code(
        "a forbidden character",
        "NUL and other control characters have no place in a text file, and characters that "
        "turn the direction of writing make a text look like something it isn't. Tabs and "
        "line ends (LF or CR LF) are fine.",
    ),
    "IMS005": Code(
        "the file describes no device",
        "A file holds at least one `device NAME { ... }`. A file of layouts is checked with the "
        "devices that include it.",
    ),
    "IMS006": Code(
        "blocks nest too deeply",
        "The deepest block of the language is a slot's control word, four blocks deep. What "
        "is nested more than 16 deep is not read at all.",
    ),
    "IMS007": Code(
        "a text is never closed",
        "A text in quotes ends on the line it starts on. There are no escapes: a text can't "
        "hold a quotation mark.",
    ),
    "IMS008": Code(
        "not a number",
        "Numbers are decimal (16128, 16_128) or hexadecimal (0x3f00). A leading zero would "
        "mean octal to a reader of C and is refused; `_` stands between two digits only.",
    ),
    "IMS009": Code(
        "a number has too many digits",
        "No number of a device's interrupts needs more than 24 characters.",
    ),
    # Syntax.
    "IMS010": Code(
        "unexpected text",
        "What stands here can't stand here; the label says what could. The rest of the "
        "statement was skipped, everything behind it was read.",
    ),
    "IMS011": Code(
        "a sign is missing",
        "One `;`, `:`, `=`, `]`, `@` or `{` is missing. Everything else was read as if it stood "
        "there.",
    ),
    "IMS012": Code(
        "a block is never closed",
        "Each `{` needs its `}`. The second place is the start of the block that was open.",
    ),
    "IMS013": Code(
        "a `}` closes nothing",
        "There is no open block here. Often a `}` further up closes a block too early.",
    ),
    "IMS015": Code(
        "a misspelt word",
        "The word is unknown here, but nearly one that is known. It was read as that one.",
    ),
    "IMS016": Code(
        "a comment of C",
        "Comments start with `#` or `//` and end with their line; `/*` starts none.",
    ),
    "IMS017": Code(
        "too many findings",
        "Only the first 500 findings of a file are shown, and after 1,000 places that could "
        "not be read the rest isn't read at all. Mend these first.",
        Severity.WARNING,
    ),
    "IMS018": Code(
        "a line of the C preprocessor",
        "`#` starts a comment, so such a line would say nothing. Files are included by "
        '`include "FILE";`, and there are no macros.',
    ),
    # Names.
    "IMS020": Code(
        "not a name",
        "Names become parts of C identifiers, Kconfig symbols and file names: they start "
        "with a-z, go on with a-z, 0-9 and single _, and don't end with _.",
    ),
    "IMS021": Code(
        "a name is too long",
        "Names have at most 24 characters, since identifiers made of two names and a suffix "
        "must still fit on a line of kernel code.",
    ),
    "IMS022": Code(
        "a name is a keyword of C",
        "The name becomes a member or a parameter in C, where keywords can't be names.",
    ),
    "IMS023": Code(
        "a name is taken by the kernel",
        "The preprocessor would replace a name that is a macro (`current`, `linux`, `unix`), "
        "types hide behind one that is a type, and functions of a device named like a part "
        "of the kernel would clash with that part's functions.",
    ),
    "IMS024": Code(
        "a name is used twice",
        "Stores, special vectors, pools and subdevices of one device share one set of names; "
        "devices of one file, named layouts, and the cookies of one slot or command have sets "
        "of their own.",
    ),
    "IMS025": Code(
        "names differ in case only",
        "Names are used in lower and in upper case (Kconfig symbols, constants), where these "
        "two become one.",
    ),
    "IMS026": Code(
        "a name clashes with what is made of another one",
        "Each name is the root of several identifiers: `foo_irq_misc()` of a vector, "
        "`foo_wq_get()` of a pool, `foo_irqs_init()` of the device. Two roots that give the "
        "same identifier can't stand together.",
    ),
    "IMS027": Code(
        "an unknown store",
        "Vectors and pools take their indexes from a store of the same device.",
    ),
    # Texts.
    "IMS030": Code(
        "a text is empty or has blanks at an end",
        "The text is put into sentences, titles and comments as it stands.",
    ),
    "IMS031": Code(
        "a text is too long",
        "Titles and purposes have at most 64 characters, paths 96, maintainers 128: they "
        "stand on one line of a comment, a Kconfig prompt or a file list.",
    ),
    "IMS032": Code(
        "a character that can't be in this text",
        "What goes into kernel sources is printable ASCII. Only the names of maintainers may "
        "have other printable characters.",
    ),
    "IMS033": Code(
        "a text would end a comment of C, or start one",
        "The text is put into comments of C, which `*/` ends and in which `/*` is warned of.",
    ),
    "IMS034": Code(
        "a character with a meaning where the text goes",
        "Backslash, dollar, per cent, backquote, asterisk and bar have a meaning in C, "
        "Kconfig, format strings or reStructuredText, where the text is put unchanged; so "
        "has an underscore at a word's end.",
    ),
    "IMS035": Code(
        "a text could be taken for a part of a patch or mail",
        "The text is put into commit messages. `---`, `diff -`, `From `, `Index: `, and "
        "trailers such as `Signed-off-by:` would cut the message there or forge a line of it.",
    ),
    "IMS036": Code(
        "a path that leaves its place",
        "Paths are relative to the top of the kernel tree, or to the folder of the including "
        "file, and stay there. They are made of a-z, A-Z, 0-9, `_`, `-` and `.`, without `.` "
        "or `..` as a part; in no text is `../` accepted.",
    ),
    "IMS037": Code(
        "not a maintainer",
        "A maintainer is written as in MAINTAINERS: `Name <mail@domain>`.",
    ),
    # Properties.
    "IMS040": Code(
        "said twice",
        "This can be said once. Where two statements disagree, neither is taken.",
    ),
    "IMS041": Code(
        "something required is missing",
        f"What a store must have depends on its kind: {_REQUIRED}. Several `table` stand for "
        "`offset` and `slots`. A slot needs an "
        "address, `data`, and `control` unless the store has `mask_bits` or is `unmaskable`.",
    ),
    "IMS042": Code(
        "not a PCI id",
        "A PCI id is `vvvv:dddd`, vendor and device in four hexadecimal digits each, or "
        "`class cccccc` with base class, subclass and interface in six. ffff is no vendor: "
        "it is what an empty slot of the bus reads as.",
    ),
    "IMS043": Code(
        "a PCI id is given twice",
        "Each id is given once.",
    ),
    "IMS044": Code(
        "the device has no PCI id",
        "Without `pci vvvv:dddd;` or `pci class cccccc;` nothing can match the device.",
    ),
    "IMS045": Code(
        "the device is empty",
        "A device has at least one PCI id, one store, and one vector or pool.",
    ),
    "IMS046": Code(
        "the device has no vectors",
        "Stores are of use only to special vectors and pools; a device without any has no "
        "interrupt.",
    ),
    "IMS047": Code(
        "interrupt remapping is both required and optional",
        "`requires remapping;` refuses a platform without interrupt remapping, `remapping "
        "optional;` accepts it. A device says one of the two, or nothing.",
    ),
    "IMS048": Code(
        "dedicated vectors without required remapping",
        "A dedicated vector may be handed to a guest. Without interrupt remapping nothing "
        "keeps the device from sending any other message than its own, so remapping is "
        "required by default as soon as a dedicated vector can come from an IMS store. "
        "`remapping optional;` lifts that, which is right only where all users of the device "
        "are trusted.",
        Severity.WARNING,
    ),
    # Layout.
    "IMS050": Code(
        "a number is out of range",
        "The range is in the message: BARs are 0 to 5, a slot's stride is 4 to 65,536 bytes, "
        "a BAR offset fits 32 bits.",
    ),
    "IMS051": Code(
        "a store has no slots, or too many",
        "A per-device MSI domain holds 65,536 indexes, and a store at least one.",
    ),
    "IMS052": Code(
        "a number known at run time has no maximum",
        "The number of slots that the driver passes needs a stated maximum: arrays and "
        "checks are made for it.",
    ),
    "IMS053": Code(
        "the stride is not aligned",
        "Slots follow each other at multiples of the stride, so it is a multiple of 4, of 8 with a "
        "control word of 64 bits: else the registers of the second slot aren't aligned.",
    ),
    "IMS054": Code(
        "a register is not aligned",
        "A register of 32 bits stands at a multiple of 4 bytes, one of 16 bits at a multiple "
        "of 2. A 64-bit address is written as two halves and needs a multiple of 4.",
    ),
    "IMS055": Code(
        "a register is outside its slot",
        "The last byte of each register is below the slot's stride.",
    ),
    "IMS056": Code(
        "registers overlap",
        "No two registers of a slot share a byte.",
    ),
    "IMS057": Code(
        "a width that the register can't have",
        "`address` has 64 or 32 bits, its halves 32, `data` 32 or 16, `control` 64, 32 or 16.",
    ),
    "IMS058": Code(
        "the address is given in two forms",
        "Either one `address`, or `address_lo` with or without `address_hi`.",
    ),
    "IMS059": Code(
        "the table doesn't fit into a BAR",
        "Offset plus stride times slots (of an array of bits: its words) stays within 4 GiB, "
        "at the largest values that the driver may pass.",
    ),
    "IMS060": Code(
        "the table is not aligned",
        "Tables and arrays of bits start at a multiple of 4 bytes, tables of slots with a control "
        "word of 64 bits at one of 8, so that their registers and words are aligned.",
    ),
    "IMS061": Code(
        "the slot has no mask bit",
        "A message must be maskable by itself, in its slot or in an array of mask bits: the "
        "kernel masks it while it moves and before it goes away. Only required interrupt "
        "remapping can stand in for the bit; a store says that with `unmaskable;`.",
    ),
    "IMS062": Code(
        "a bit is outside its word",
        "Bits count from 0; a word of 32 bits has 0 to 31, one of 16 bits 0 to 15.",
    ),
    "IMS063": Code(
        "a field is outside its word",
        "Both ends of a field lie in the control word.",
    ),
    "IMS064": Code(
        "the bits of a field are in the wrong order",
        "Fields are written as in datasheets, the highest bit first: `bits 31:12`.",
    ),
    "IMS065": Code(
        "fields of the control word overlap",
        "No two of mask bit, enable bits, cookies and all other fields share a bit.",
    ),
    "IMS066": Code(
        "an enable bit without its cookie",
        "`NAME_enable bit N;` belongs to the cookie `NAME` of the same control word.",
    ),
    "IMS067": Code(
        "one store too many of its kind",
        "A PCI function has one MSI-X table and one MSI capability, a platform device one MSI "
        "domain.",
    ),
    # Vectors and pools.
    "IMS068": Code(
        "a value that doesn't fit",
        "The value of a fixed field is below 2 to the power of its width.",
    ),
    "IMS069": Code(
        "fields that are too wide",
        "A driver passes cookies, and the values of its own fields, as numbers of 32 bits. And "
        "somewhere in the bits 63 to 12 of a control word one bit is always clear: a number with "
        "all of them set is an error in the kernel.",
    ),
    "IMS070": Code(
        "an index outside its store",
        "A store of N slots has the indexes 0 to N-1; an MSI-X table has at most 2,048 entries, "
        "and MSI at most 32 messages.",
    ),
    "IMS071": Code(
        "two special vectors at one index",
        "Each special vector has an index of its own, unless it says that it shares one, or the "
        "driver passes the index.",
    ),
    "IMS072": Code(
        "a special vector inside a pool",
        "A pool hands out every index of its ranges, so a special vector's can't be one.",
    ),
    "IMS073": Code(
        "a range is reversed",
        "In `store[A..B]` both ends are part of the range and A is not above B.",
    ),
    "IMS074": Code(
        "unreachable vectors",
        "The range has indexes that the store can never have, so nothing could ever reach "
        "these vectors.",
    ),
    "IMS075": Code(
        "ranges overlap",
        "An index belongs to one range of one pool.",
    ),
    "IMS076": Code(
        "a pool that gives nothing",
        "A pool says `share per cpu up to N;` or `share least loaded up to N;`, `dedicated;`, or "
        "both; or it is `managed;`.",
    ),
    "IMS077": Code(
        "a sharing limit out of range",
        "A shared vector has at least one user and at most 65,536.",
    ),
    "IMS078": Code(
        "a store that nothing uses",
        "No special vector and no pool takes an index of the store; code is made for it all "
        "the same.",
        Severity.WARNING,
    ),
    # Included files and named layouts.
    "IMS079": Code(
        "a vector that can't give the cookie it needs",
        "A cookie is given when a dedicated vector is allocated, or by the driver for all shared "
        "vectors of a pool. Special vectors have none to give, so in their stores every cookie is "
        "`optional`.",
    ),
    "IMS080": Code(
        "files include each other",
        "A file can't include itself, nor a file on the way to it. A file that is included "
        "on two ways is read once.",
    ),
    "IMS081": Code(
        "a device inside an included file",
        "Included files hold the layouts of slots that the devices of a family share. A "
        "device there would be made again for each file that includes it.",
    ),
    "IMS082": Code(
        "too many included files",
        "A file includes at most 64 others, directly and through others, and all of them "
        "together have at most 1 MiB.",
    ),
    "IMS083": Code(
        "an include that gives nothing",
        "No store uses a layout of the included file or of a file that it includes.",
        Severity.WARNING,
    ),
    "IMS084": Code(
        "an unknown layout",
        "`slot NAME;` uses the layout that `slot NAME STRIDE { ... }` gives outside of the "
        "devices of this file, or in a file that it includes.",
    ),
    "IMS085": Code(
        "a layout that nothing uses",
        "No store of the file's devices uses the layout. Layouts of included files may "
        "be there for other devices.",
        Severity.WARNING,
    ),
    # Kinds of stores.
    "IMS090": Code(
        "a store that needs interrupt remapping",
        "With remapping, the message of an interrupt stays the same when it moves to another "
        "CPU. Without, the kernel rewrites it where no device command can be waited for; and "
        "messages that a peer sends can be kept back by nothing else. So command and exported "
        "stores require remapping by themselves, and `remapping optional;` contradicts them. An "
        "`unmaskable` store needs it said, or a dedicated pool over it.",
    ),
    "IMS091": Code(
        "the device has MSI and MSI-X",
        "A function may have both capabilities, but Linux enables one of them at a time.",
    ),
    "IMS092": Code(
        "a stride in memory that is no multiple of 8",
        "One 8-byte access changes `address_lo` and `data` of a slot in memory, so each slot "
        "starts at a multiple of 8 bytes.",
    ),
    "IMS093": Code(
        "a message that can't be changed by one access",
        "The device may fetch a slot from memory at any time. `address_lo` and `data` are next "
        "to each other in 8 aligned bytes, so that one access changes both and the device never "
        "sees half of a message. A device with another layout needs a command store.",
    ),
    "IMS094": Code(
        "two mask bits for one message",
        "A message is masked by the mask bit of its slot's control word, or by its bit of the "
        "`mask_bits` array.",
    ),
    "IMS095": Code(
        "one table and several",
        "`offset` and `slots` describe a store's only table; a store that is split has one "
        "`table offset N slots N;` for each of its tables, in the order of their indexes.",
    ),
    "IMS096": Code(
        "tables or arrays overlap",
        "No byte of a BAR belongs to two of what a device's stores have there: tables, mask bits, "
        "pending bits, windows. An array has one bit for each slot, in words of 4 bytes.",
    ),
    "IMS097": Code(
        "pending bits of messages that can't be masked",
        "A device sets a pending bit for a message that it would send but for the mask. Without "
        "a mask bit it sends at once.",
    ),
    "IMS098": Code(
        "unmaskable, and a mask bit",
        "`unmaskable;` says that nothing keeps a device from sending a message. With a mask bit "
        "in the slot or in an array it isn't so.",
    ),
    "IMS099": Code(
        "a bit of the device in a word of memory",
        "What the device changes, a pending bit or one to be cleared, can be beside a mask bit in "
        "a register: there a written 0 changes nothing. Memory takes what is written, so the "
        "driver and the device would overwrite each other's bits.",
    ),
    # Policies.
    "IMS100": Code(
        "managed, and something else",
        "A managed pool has one vector for each queue, made when the driver starts. Nothing is "
        "shared, handed out or kept back.",
    ),
    "IMS101": Code(
        "managed over a store that Linux doesn't manage",
        "The PCI core spreads the vectors of MSI and MSI-X over the CPUs. IMS stores have no "
        "such interface; a command store never can: CPU offline shuts managed interrupts down "
        "without the lock that a device command needs.",
    ),
    "IMS102": Code(
        "a managed pool that is not the end of a store",
        "The PCI core makes managed vectors in one go: first those before the pool, which are "
        "the special ones, then one for each queue up to the end.",
    ),
    "IMS103": Code(
        "a pool beside a managed one",
        "All vectors of the store that aren't special are spread over the CPUs for the managed "
        "pool.",
    ),
    "IMS104": Code(
        "a reserve without use",
        "A reserve keeps vectors from being shared, so that dedicated ones don't run out: the "
        "pool says both `share` and `dedicated`.",
    ),
    "IMS105": Code(
        "a reserve out of range",
        "A reserve has one vector at least and not more than the pool can have. One vector is "
        "shared however few there are.",
    ),
    "IMS106": Code(
        "a choice of CPUs that isn't the pool's",
        "`cpus node;` has the pool keep to the CPUs of the device's NUMA node. With `share per "
        "cpu` whoever takes a vector names the CPU, and managed vectors are spread by the kernel.",
    ),
    # Subdevices.
    "IMS107": Code(
        "a pool with the first of several MSI messages",
        "All messages of multi-message MSI are made of that of index 0, which is gone when its "
        "vector is freed. A pool frees its vectors in any order.",
    ),
    "IMS110": Code(
        "a number of subdevices out of range",
        "There can be 1 to 65,536 subdevices of a kind.",
    ),
    "IMS111": Code(
        "a subdevice without vectors",
        "A subdevice is described for the vectors that it gets; without any there is nothing "
        "to say about it.",
    ),
    "IMS112": Code(
        "an unknown pool",
        "Subdevices take their vectors from pools of the same device, not from stores, and "
        "special vectors belong to the device alone.",
    ),
    "IMS113": Code(
        "a pool twice in a subdevice",
        "A subdevice says once for each pool how many vectors it gets.",
    ),
    "IMS114": Code(
        "a count of vectors out of range",
        "In `vectors POOL A..B;` A is 1 or more and not above B, and B is at most 65,536.",
    ),
    "IMS115": Code(
        "a subdevice of a managed pool",
        "The vectors of a managed pool belong to the device's own queues; none is left when a "
        "subdevice comes.",
    ),
    "IMS116": Code(
        "a minimum that the pool can't give",
        "A pool that only hands out dedicated vectors never gives one twice, so no subdevice "
        "could get what it needs at least.",
    ),
    "IMS118": Code(
        "not enough vectors for all subdevices",
        "If there are as many subdevices as `max` says, not all of them get what they need at "
        "least: those that come late fail.",
        Severity.WARNING,
    ),
    # Requirements.
    "IMS120": Code(
        "an unknown architecture",
        "Architectures are called as in the kernel's Kconfig, in lower case.",
    ),
    "IMS121": Code(
        "a minimum of vectors out of range",
        "A driver needs one vector at least. Linux gives a device at most 65,536 of its own store "
        "and 2,048 of MSI-X.",
    ),
    "IMS122": Code(
        "a minimum that the stores can't hold",
        "With the largest sizes that the stores can have there are fewer vectors than the driver "
        "needs, so it could never start. Of MSI and MSI-X outside of all pools no more count than "
        "the special vectors take.",
    ),
    "IMS123": Code(
        "an IMS store where Linux takes none",
        "The messages of a device's own store need a parent interrupt domain that takes them. "
        "With the series Linux has them on x86, arm64 and RISC-V, and those of RISC-V isolate "
        "nothing. Where another architecture stands beside these, setting up fails there.",
    ),
    # Arrays, and special vectors that aren't at one index for ever.
    "IMS130": Code(
        "an array of another size than its indexes",
        "`vector NAME[4] = STORE[0..3];` says how many vectors there are, and where: both agree. "
        "An array has 1 to 2,048 vectors.",
    ),
    "IMS131": Code(
        "an index known at run time in an IMS store",
        "Where the driver passes the indexes of two vectors they may be the same, and the "
        "interrupt is shared then. The PCI core gives it to both; in an IMS store an index is "
        "allocated once.",
    ),
    "IMS132": Code(
        "a vector that can't be optional",
        "Of MSI and MSI-X fewer vectors can be granted than there are purposes, the first ones "
        "of the store. What can be left out has the last indexes, and a store without a pool.",
    ),
    "IMS133": Code(
        "an unknown vector",
        "`vector NAME = VECTOR;` is another purpose of a special vector with one index.",
    ),
    "IMS134": Code(
        "handlers that can't share an interrupt",
        "Linux keeps an interrupt masked until the thread of a `oneshot` handler is done, so all "
        "handlers of one interrupt are `oneshot`, or none is.",
    ),
    "IMS135": Code(
        "the last index of a store without a pool",
        "Which index is the last one depends on how many vectors there are, and those are "
        "a pool's. Without one no more are allocated than there are purposes, and managed queues "
        "go up to the end.",
    ),
    "IMS136": Code(
        "too many messages in a device's IMS stores",
        "Linux gives a device one MSI domain beside that of the PCI core. Its IMS stores share "
        "the 65,536 indexes of that, each as many as it has messages at most.",
    ),
    "IMS137": Code(
        "a pool over two stores with cookies",
        "Who gets a vector of a pool does not choose its store, and gives one cookie. So of the "
        "stores that a pool is over one has cookies.",
    ),
    "IMS138": Code(
        "too many IMS stores",
        "A device has up to 8 IMS stores.",
    ),
    "IMS140": Code(
        "an array of bits in no BAR",
        "An array of mask bits or pending bits is in the BAR of its store. Where the driver passes "
        "that one, the array has a BAR with a number.",
    ),
    "IMS141": Code(
        "a size that MSI or MSI-X can't have",
        "How many entries or messages there are is in the device's configuration space, where the "
        "PCI core reads it: no driver passes it. Of MSI messages there are 1, 2, 4, 8, 16 or 32.",
    ),
    # Platform devices.
    "IMS148": Code(
        "not an id of a platform device",
        "`platform` takes the compatible that the device's binding has, a vendor and a name: "
        "`riscv,iommu`. `acpi` takes a vendor of four capital letters or digits, or of three "
        "letters, and four hexadecimal digits: `RSCV0004`.",
    ),
    "IMS149": Code(
        "a device on two buses",
        "A PCI function is found by its ids and has its stores in BARs; a platform device is found "
        "by firmware and has its store in registers that its driver maps.",
    ),
    "IMS150": Code(
        "a store of the other bus",
        "MSI, MSI-X and the stores beside them belong to PCI functions. A platform device has one "
        "store, `registers`, whose messages Linux allocates all at once.",
    ),
    "IMS151": Code(
        "an architecture that takes no messages of platform devices",
        "Linux has interrupt domains that take messages of platform devices on arm, arm64 and "
        "RISC-V. Those of x86 refuse them when the driver asks, and elsewhere there are none.",
    ),
    "IMS152": Code(
        "remapping of a platform device",
        "`requires remapping;` and `remapping optional;` are about what a PCI function can send. "
        "A platform device is part of the machine; no domain below it says whether it is isolated.",
    ),
    "IMS153": Code(
        "messages that can be torn",
        "An IMSIC of RISC-V changes address and data of a message when its interrupt moves to "
        "another CPU. A device that nothing masks meanwhile can send one half with the other: the "
        "interrupt is lost, or another one's. On arm and arm64 no message in use changes.",
    ),
    "IMS154": Code(
        "more than a message in the slot of a platform device",
        "All messages of a platform device are allocated at once, and nobody is there who could "
        "give one a cookie. A slot has address, data, and a control word with a mask bit, fixed "
        "fields, and what the device itself changes.",
    ),
    "IMS155": Code(
        "a thread whose interrupt is not masked",
        "The interrupt chip of platform devices is not known to be safe without it, so Linux "
        "refuses a handler in a thread alone unless the interrupt is masked meanwhile: `oneshot`.",
    ),
    "IMS156": Code(
        "the index as data, of a PCI function",
        "`data index;` says that the device sends the index of a message as its data. That is "
        "for platform devices, whose messages are allocated at once and in order. Those of other "
        "stores come and go one by one, and their data is what the interrupt domain says.",
    ),
    "IMS157": Code(
        "more than one place for one address",
        "With `data index;` a device has one address, which all of its messages are sent to. "
        "A mask bit beside it would mask all of them, and there is no second table.",
    ),
    "IMS158": Code(
        "the index as data where it isn't",
        "The ITS of a GIC numbers the messages of a device, and takes that number as data. Other "
        "interrupt domains give a message data of their own, which the device could not send.",
    ),
}


def report(
    code: str,
    message: str,
    span: Span,
    label: str = "",
    hint: str = "",
    secondary: Iterable[Place] = (),
) -> Diagnostic:
    """A finding of the catalogue, with the severity it has there."""
    return Diagnostic(code, CODES[code].severity, message, span, label, tuple(secondary), hint)
