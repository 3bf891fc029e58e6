"""Names that can't be used, and the forms of the names that are made from a file's names."""

from __future__ import annotations

from collections.abc import Iterator

from ..kinds import KINDS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Keywords of C up to C23 and of the GNU dialect the kernel is written in.
C_KEYWORDS = _words("""
    alignas alignof asm auto bool break case char const constexpr continue default do double
    else enum extern false float for goto if inline int long nullptr register restrict return
    short signed sizeof static static_assert struct switch thread_local true typedef typeof
    typeof_unqual union unsigned void volatile while
    """)

#: Lower-case macros and types that kernel code can't or doesn't use as names of its own
#: (include/linux/, include/asm-generic/, arch/*/include/asm/, and the compiler's own).
KERNEL_NAMES = _words("""
    abs asmlinkage barrier clamp cmpxchg container_of cpu_relax current errno
    fallthrough free guard hppa i386 inb inl inw ioremap iounmap irqreturn_t jiffies kfree kmalloc
    kzalloc likely linux loff_t max mb memcpy memmove memset min mips module_init noinline nop
    notrace null offsetof outb outl outw pid_t pr_debug pr_err pr_info printk ptrdiff_t readb
    readl readq readw rmb round_down round_up roundup s16 s32 s64 s8 scoped_guard size_t sparc
    ssize_t strlen swap swab16 swab32 swab64 this_cpu_read typecheck u16 u32 u64 u8 uint ulong
    unchar unix unlikely unreachable ushort vmemmap wmb writeb writel writeq writew xchg
    """)

#: Prefixes that belong to parts of the kernel: a device can't be called so.
KERNEL_PREFIXES = _words("""
    dev device devm driver genirq ims ims_fake init irq irqchip irqs kunit module msi msix pci
    pcie
    """)

#: What follows a pool's, a store's, a subdevice's and a device's name in what a driver sees.
POOL_SUFFIXES = _words("""
    affinity attach detach dispatch error get get_at get_dedicated get_on index irq put
    """)
POOL_MACROS = _words("LIMIT")
STORE_SUFFIXES = _words("cookie make_cookie")
SUBDEVICE_SUFFIXES = _words("irq irqs_exit irqs_init nr")
MEMBER_SUFFIXES = _words("attach detach")
DEVICE_SUFFIXES = _words("""
    irqs irqs_exit irqs_init irqs_params irqs_restore irqs_shutdown
    """)
DEVICE_TAGS = _words("store")

#: The same in what only the glue and the header of the slots have.
POOL_INSIDE = _words("info ranges")
STORE_INSIDE = _words("""
    at exit info init irq_is_pending irq_mask irq_shutdown irq_unmask irq_write_msi_msg is_pending
    mask needs pair prepare put reset set_ctrl set_register silence slot tables unmask write
    write_ctrl write_live write_msi_msg write_register
    """)
STORE_MACROS = _words("CTRL CTRL_MASK") | {p.word.upper() for kind in KINDS for p in kind.places}
SUBDEVICE_INSIDE = _words("parts")
DEVICE_INSIDE = _words("devices irqs_release")

#: Members of ``struct <device>_irqs`` that every device has.
MEMBERS = _words("pdev")

#: Variables of ``<device>_irqs_init()``, which a store can be an argument of.
VARIABLES = _words("i nr ret sources")

#: What the driver passes that is made of a pool or a store.
POOL_PARAMS = _words("cookie handler queues")
STORE_PARAMS = _words("bar bir changed command offset pass slots")

#: Forms that most names for a driver end in: what a kernel has of these is recorded with it.
RECORDED = POOL_SUFFIXES | POOL_MACROS | _words("irqs_exit irqs_init irqs_restore irqs_shutdown")


def public(
    device: str,
    stores: list[tuple[str, list[str]]],
    vectors: list[str],
    pools: list[tuple[str, list[str]]],
    subdevices: list[tuple[str, list[str]]],
) -> Iterator[tuple[str, str]]:
    """Identifiers and tags that a driver sees of a device, each with the name it is made from.

    ``stores`` are names with those of what the driver sets in their slots, ``pools`` names with
    those of the stores of their ranges, ``subdevices`` names with those of the pools that they
    take from.
    """
    for suffix in sorted(DEVICE_SUFFIXES):
        yield f"{device}_{suffix}", device
    for tag in sorted(DEVICE_TAGS):
        yield f"enum {device}_{tag}", device
    for store, own in stores:
        for suffix in sorted(STORE_SUFFIXES):
            yield f"{device}_{store}_{suffix}", store
        yield f"{device}_{store}".upper(), store
        for name in own:
            yield f"{device}_{store}_set_{name}", f"{store}.{name}"
    for vector in vectors:
        yield f"{device}_irq_{vector}", vector
        yield f"{device}_irq_{vector}_error", vector
        yield f"{device}_irq_{vector}_index", vector
    for pool, _ in pools:
        for suffix in sorted(POOL_SUFFIXES):
            yield f"{device}_{pool}_{suffix}", pool
        for suffix in sorted(POOL_MACROS):
            yield f"{device}_{pool}_{suffix}".upper(), pool
    for subdevice, members in subdevices:
        for suffix in sorted(SUBDEVICE_SUFFIXES):
            yield f"{device}_{subdevice}_{suffix}", subdevice
        for pool in members:
            yield f"{device}_{subdevice}_{pool}", subdevice
            for suffix in sorted(MEMBER_SUFFIXES):
                yield f"{device}_{subdevice}_{pool}_{suffix}", subdevice


def made_from(
    device: str,
    stores: list[tuple[str, list[str]]],
    vectors: list[str],
    pools: list[tuple[str, list[str]]],
    subdevices: list[tuple[str, list[str]]],
) -> Iterator[tuple[str, str]]:
    """Identifiers, members and files made for a device, each with the name it is made from.

    The arguments are those of :func:`public`.
    """
    inside = f"struct {device}_irqs::"
    params = f"struct {device}_irqs_params::"
    for pool, _ in pools:
        yield f"{device}_{pool}", pool
    yield from public(device, stores, vectors, pools, subdevices)
    for suffix in sorted(DEVICE_INSIDE):
        yield f"{device}_{suffix}", device
    for member in sorted(MEMBERS):
        yield inside + member, device
    for variable in sorted(VARIABLES):
        yield f"{device}_irqs_init()::{variable}", device
    yield f"irq-{device}.h".replace("_", "-"), device
    for store, _ in stores:
        yield f"irq-{device}-{store}.h".replace("_", "-"), store
        for suffix in sorted(STORE_INSIDE):
            yield f"{device}_{store}_{suffix}", store
        yield f"{device}_{store}", store
        for suffix in sorted(STORE_MACROS):
            yield f"{device}_{store}_{suffix}".upper(), store
        yield inside + store, store
        yield f"{device}_irqs_init()::{store}", store
        yield f"{device}_irqs_init()::{store}_params", store
        yield params + store, store
        for suffix in sorted(STORE_PARAMS):
            yield f"{params}{store}_{suffix}", store
    for vector in vectors:
        yield inside + vector, vector
        yield f"{device}_irq_{vector}_alloc", vector
        yield f"{params}{vector}_index", vector
    for pool, _ in pools:
        for suffix in sorted(POOL_INSIDE):
            yield f"{device}_{pool}_{suffix}", pool
        yield inside + pool, pool
        for suffix in sorted(POOL_PARAMS):
            yield f"{params}{pool}_{suffix}", pool
    for subdevice, _ in subdevices:
        yield inside + subdevice, subdevice
        for suffix in sorted(SUBDEVICE_INSIDE):
            yield f"{device}_{subdevice}_{suffix}", subdevice
