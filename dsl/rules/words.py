"""Names that can't be used, and the forms of the names that are made from a file's names."""

from __future__ import annotations

from collections.abc import Iterator


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

#: What follows a pool's, a store's, a subdevice's and a device's name in the identifiers of the
#: templates.
POOL_SUFFIXES = _words("""
    LIMIT MAX_QUEUES affinity alloc attach busy cpu destroy destroy_shared detach dispatch
    entry_error error event exit fewest free free_entry get get_dedicated get_on init irq least
    load make make_dedicated make_shared pool put state take tryget user vec
    """)
STORE_SUFFIXES = _words("""
    alloc at changed claim command cookie ctrl error free init irq_bus_lock irq_bus_sync_unlock
    irq_get_irqchip_state irq_mask irq_shutdown irq_unmask irq_write_msi_msg irqs mask msg pair
    pending prepare_desc reset restore restore_masks send set_ctrl shadow slot template unmask
    write write_live
    """)
SUBDEVICE_SUFFIXES = _words("""
    MAX irq irqs irqs_exit irqs_first irqs_init irqs_publish irqs_release irqs_take irqs_undo nr
    """)
DEVICE_SUFFIXES = _words("""
    irqs irqs_enough irqs_exit irqs_init irqs_near irqs_offline irqs_online irqs_params irqs_quiet
    irqs_register irqs_restore irqs_setup irqs_shutdown irqs_state irqs_subdevices irqs_unregister
    irqs_unwatch irqs_watch range
    """)

#: Members of ``struct <device>_irqs`` that every device may have, and those made of a store.
MEMBERS = _words("cpuhp lock pdev")
STORE_MEMBERS = _words("""
    changed command failed lock mask_bits mask_lock masks pending size slots static
    """)

#: Members of what is made for each subdevice, beside those made of pools.
SUBDEVICE_MEMBERS = _words("adev irq irqs list listed nr")

#: Members of the message that a device command takes, beside the cookies.
COMMAND_MEMBERS = _words("address_hi address_lo data index masked")

#: What the driver passes that is made of a pool or a store.
POOL_PARAMS = _words("handler queues")
STORE_PARAMS = _words("changed command offset slots")


def made_from(
    device: str,
    stores: list[str],
    vectors: list[str],
    pools: list[tuple[str, list[str]]],
    subdevices: list[tuple[str, list[str]]],
) -> Iterator[tuple[str, str]]:
    """Identifiers, members and files made for a device, each with the name it is made from.

    ``pools`` are names with the names of the stores of their ranges, ``subdevices`` names with
    those of the pools that they take from.
    """
    inside = f"struct {device}_irqs::"
    params = f"struct {device}_irqs_params::"
    for suffix in sorted(DEVICE_SUFFIXES):
        yield f"{device}_{suffix}", device
    for member in sorted(MEMBERS):
        yield inside + member, device
    yield f"irq-{device}.h".replace("_", "-"), device
    for store in stores:
        yield f"irq-{device}-{store}.h".replace("_", "-"), store
        for suffix in sorted(STORE_SUFFIXES):
            yield f"{device}_{store}_{suffix}", store
        yield inside + store, store
        for suffix in sorted(STORE_MEMBERS):
            yield f"{inside}{store}_{suffix}", store
        yield params + store, store
        for suffix in sorted(STORE_PARAMS):
            yield f"{params}{store}_{suffix}", store
    for vector in vectors:
        yield f"{device}_irq_{vector}", vector
        yield f"{device}_irq_{vector}_error", vector
        yield inside + vector, vector
    for pool, ranges in pools:
        yield f"{device}_{pool}", pool
        for suffix in sorted(POOL_SUFFIXES):
            yield f"{device}_{pool}_{suffix}", pool
        again: dict[str, int] = {}
        for store in ranges:
            number = again.get(store, 0)
            again[store] = number + 1
            yield f"{device}_{pool}_get_{store}{number or ''}", store
        yield inside + pool, pool
        for suffix in sorted(POOL_PARAMS):
            yield f"{params}{pool}_{suffix}", pool
    for subdevice, members in subdevices:
        yield from _made_from_subdevice(device, subdevice, members)


def _made_from_subdevice(
    device: str, subdevice: str, pools: list[str]
) -> Iterator[tuple[str, str]]:
    inside = f"struct {device}_{subdevice}_irqs::"
    for suffix in sorted(SUBDEVICE_SUFFIXES):
        yield f"{device}_{subdevice}_{suffix}", subdevice
    yield f"struct {device}_irqs::nr_{subdevice}", subdevice
    yield f"struct {device}_irqs::{subdevice}_list", subdevice
    for member in sorted(SUBDEVICE_MEMBERS):
        yield inside + member, subdevice
    for pool in pools:
        yield f"{device}_{subdevice}_{pool}", subdevice
        yield f"{device}_{subdevice}_irqs_take_{pool}", subdevice
        yield f"{inside}nr_{pool}", pool
        yield f"{inside}{pool}_vecs", pool
