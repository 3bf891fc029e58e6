"""The rules: one function for each, from a device's scope to what it finds.

A rule looks only at what could be read: where a number has no value or a statement was given
up, something has been reported already, and no rule reports what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..diagnostics import Diagnostic
from ..files import Unit
from ..resolve import Layouts, Scope, Slot
from . import device, names, platform, pools, slots, stores, texts, vectors
from .base import Found

#: Rules of names, wherever they are given.
NAME_RULES: tuple[Callable[[names.Names], Found], ...] = (
    names.name_rule_form,
    names.name_rule_keyword,
    names.name_rule_kernel,
)

#: Rules of one slot's layout, whether a store has it or a name.
SLOT_RULES: tuple[Callable[[Slot], Found], ...] = (
    names.slot_rule_field_twice,
    device.slot_rule_property_twice,
    device.slot_rule_property_missing,
    slots.slot_rule_stride_range,
    slots.slot_rule_stride,
    slots.slot_rule_width,
    slots.slot_rule_register_aligned,
    slots.slot_rule_register_outside,
    slots.slot_rule_register_overlap,
    slots.slot_rule_address_form,
    slots.slot_rule_address_bits,
    slots.slot_rule_field_outside,
    slots.slot_rule_field_order,
    slots.slot_rule_field_overlap,
    slots.slot_rule_field_value,
    slots.slot_rule_field_width,
    slots.slot_rule_pending_once,
    slots.slot_rule_flag,
)

#: Rules of the named layouts of a file and of all that it includes.
LAYOUT_RULES: tuple[Callable[[Layouts], Found], ...] = (names.layout_rule_name_twice,)

#: Rules of a file and what it includes.
UNIT_RULES: tuple[Callable[[Unit, list[Scope]], Found], ...] = (
    stores.unit_rule_include_twice,
    stores.unit_rule_used,
)

#: Rules of one device, file by file.
DEVICE_RULES: tuple[Callable[[Scope], Found], ...] = (
    names.rule_name_twice,
    names.rule_name_prefix,
    texts.rule_title,
    texts.rule_purpose,
    texts.rule_path,
    texts.rule_maintainer,
    device.rule_property_twice,
    device.rule_property_missing,
    device.rule_pci_id,
    platform.rule_platform_id,
    device.rule_empty,
    platform.rule_one_bus,
    platform.rule_store_of_bus,
    platform.rule_platform_architecture,
    platform.rule_platform_remapping,
    platform.rule_steady,
    platform.rule_plain_slots,
    platform.rule_oneshot,
    platform.rule_data_index,
    platform.rule_one_address,
    platform.rule_index_parent,
    device.rule_remapping,
    device.rule_isolation,
    slots.rule_number_range,
    slots.rule_slots,
    slots.rule_table,
    slots.rule_mask,
    slots.rule_unmaskable,
    slots.rule_pending,
    slots.rule_pending_once,
    slots.rule_device_bits,
    slots.rule_one_store_of_a_kind,
    device.rule_architecture,
    device.rule_architecture_parent,
    device.rule_minimum,
    stores.rule_layout_known,
    stores.rule_isolated,
    stores.rule_msi_or_msix,
    stores.rule_memory_stride,
    stores.rule_memory_pair,
    stores.rule_mask_once,
    stores.rule_table_or_offset,
    stores.rule_together,
    stores.rule_bits_bar,
    stores.rule_areas,
    stores.rule_areas_inside,
    vectors.rule_store_known,
    vectors.rule_array,
    vectors.rule_runtime,
    vectors.rule_runtime_context,
    vectors.rule_optional,
    vectors.rule_shared,
    vectors.rule_last,
    vectors.rule_vector_inside,
    vectors.rule_vector_twice,
    vectors.rule_vector_in_pool,
    vectors.rule_range_order,
    vectors.rule_range_inside,
    vectors.rule_range_overlap,
    vectors.rule_pool_policy,
    vectors.rule_share_limit,
    vectors.rule_store_used,
    pools.rule_managed_alone,
    pools.rule_managed_store,
    pools.rule_managed_range,
    pools.rule_managed_only,
    pools.rule_reserve_use,
    pools.rule_reserve_range,
    pools.rule_cpus,
    pools.rule_cookie_given,
    pools.rule_cookie_one,
    pools.rule_msi_first,
    pools.rule_subdevice_maximum,
    pools.rule_subdevice_empty,
    pools.rule_member_known,
    pools.rule_member_twice,
    pools.rule_member_counts,
    pools.rule_member_managed,
    pools.rule_member_minimum,
)

#: Rules between the devices of one file.
FILE_RULES: tuple[Callable[[list[Scope]], Found], ...] = (
    names.file_rule_device_twice,
    names.file_rule_made_names,
    device.file_rule_pci_between,
)


def validate(unit: Unit, scopes: list[Scope], layouts: Layouts) -> Iterator[Diagnostic]:
    """What is wrong with the devices of one file and the layouts that they may use."""
    all_slots = list(layouts.slots)
    all_names = [list(names.layout_names(layouts))]
    for scope in scopes:
        all_slots += [store.own_slot for store in scope.stores if store.own_slot]
        all_names.append(list(names.all_names(scope)))
    for name_rule in NAME_RULES:
        for given in all_names:
            yield from name_rule(given)
    for slot_rule in SLOT_RULES:
        for slot in all_slots:
            yield from slot_rule(slot)
    for layout_rule in LAYOUT_RULES:
        yield from layout_rule(layouts)
    for unit_rule in UNIT_RULES:
        yield from unit_rule(unit, scopes)
    for rule in DEVICE_RULES:
        for scope in scopes:
            yield from rule(scope)
    for file_rule in FILE_RULES:
        yield from file_rule(scopes)
