"""The rules: one function for each, from a device's scope to what it finds.

A rule looks only at what could be read: where a number has no value or a statement was given
up, something has been reported already, and no rule reports what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import (
    rules_device,
    rules_layout,
    rules_names,
    rules_pools,
    rules_stores,
    rules_texts,
    rules_vectors,
)
from .diagnostics import Diagnostic
from .files import Unit
from .resolve import Layouts, Scope, Slot
from .rule import Found

#: Rules of names, wherever they are given.
NAME_RULES: tuple[Callable[[rules_names.Names], Found], ...] = (
    rules_names.name_rule_form,
    rules_names.name_rule_keyword,
    rules_names.name_rule_kernel,
)

#: Rules of one slot's layout, whether a store has it or a name.
SLOT_RULES: tuple[Callable[[Slot], Found], ...] = (
    rules_names.slot_rule_cookie_twice,
    rules_device.slot_rule_property_twice,
    rules_device.slot_rule_property_missing,
    rules_layout.slot_rule_stride_range,
    rules_layout.slot_rule_stride,
    rules_layout.slot_rule_width,
    rules_layout.slot_rule_register_aligned,
    rules_layout.slot_rule_register_outside,
    rules_layout.slot_rule_register_overlap,
    rules_layout.slot_rule_address_form,
    rules_layout.slot_rule_field_outside,
    rules_layout.slot_rule_field_order,
    rules_layout.slot_rule_field_overlap,
    rules_layout.slot_rule_flag,
)

#: Rules of the named layouts of a file and of all that it includes.
LAYOUT_RULES: tuple[Callable[[Layouts], Found], ...] = (rules_names.layout_rule_name_twice,)

#: Rules of a file and what it includes.
UNIT_RULES: tuple[Callable[[Unit, list[Scope]], Found], ...] = (
    rules_stores.unit_rule_include_twice,
    rules_stores.unit_rule_used,
)

#: Rules of one device, file by file.
DEVICE_RULES: tuple[Callable[[Scope], Found], ...] = (
    rules_names.rule_name_twice,
    rules_names.rule_name_prefix,
    rules_names.rule_command_cookie,
    rules_texts.rule_title,
    rules_texts.rule_purpose,
    rules_texts.rule_path,
    rules_texts.rule_maintainer,
    rules_device.rule_property_twice,
    rules_device.rule_property_missing,
    rules_device.rule_pci_id,
    rules_device.rule_empty,
    rules_device.rule_remapping,
    rules_device.rule_isolation,
    rules_layout.rule_number_range,
    rules_layout.rule_slots,
    rules_layout.rule_table,
    rules_layout.rule_mask,
    rules_layout.rule_pending,
    rules_layout.rule_one_store_of_a_kind,
    rules_device.rule_architecture,
    rules_device.rule_minimum,
    rules_stores.rule_layout_known,
    rules_stores.rule_isolated,
    rules_stores.rule_msi_or_msix,
    rules_stores.rule_memory_stride,
    rules_stores.rule_memory_pair,
    rules_stores.rule_mask_once,
    rules_stores.rule_table_or_offset,
    rules_stores.rule_areas,
    rules_stores.rule_areas_inside,
    rules_vectors.rule_store_known,
    rules_vectors.rule_vector_inside,
    rules_vectors.rule_vector_twice,
    rules_vectors.rule_vector_in_pool,
    rules_vectors.rule_range_order,
    rules_vectors.rule_range_inside,
    rules_vectors.rule_range_overlap,
    rules_vectors.rule_pool_policy,
    rules_vectors.rule_share_limit,
    rules_vectors.rule_store_used,
    rules_pools.rule_managed_alone,
    rules_pools.rule_managed_store,
    rules_pools.rule_managed_range,
    rules_pools.rule_managed_only,
    rules_pools.rule_reserve_use,
    rules_pools.rule_reserve_range,
    rules_pools.rule_cpus,
    rules_pools.rule_subdevice_maximum,
    rules_pools.rule_subdevice_empty,
    rules_pools.rule_member_known,
    rules_pools.rule_member_twice,
    rules_pools.rule_member_counts,
    rules_pools.rule_member_managed,
    rules_pools.rule_member_minimum,
    rules_pools.rule_member_cookie,
)

#: Rules between the devices of one file.
FILE_RULES: tuple[Callable[[list[Scope]], Found], ...] = (
    rules_names.file_rule_device_twice,
    rules_names.file_rule_made_names,
    rules_device.file_rule_pci_between,
)


def validate(unit: Unit, scopes: list[Scope], layouts: Layouts) -> Iterator[Diagnostic]:
    """What is wrong with the devices of one file and the layouts that they may use."""
    slots = list(layouts.slots)
    names = [list(rules_names.layout_names(layouts))]
    for scope in scopes:
        slots += [store.own_slot for store in scope.stores if store.own_slot]
        names.append(list(rules_names.all_names(scope)))
    for name_rule in NAME_RULES:
        for given in names:
            yield from name_rule(given)
    for slot_rule in SLOT_RULES:
        for slot in slots:
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
