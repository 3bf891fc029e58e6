"""The rules: one function for each, from a device's scope to what it finds.

A rule looks only at what could be read: where a number has no value or a statement was given
up, something has been reported already, and no rule reports what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import rules_device, rules_layout, rules_names, rules_texts, rules_vectors
from .resolve import Scope
from .rule import Found

#: Rules of one device, file by file.
DEVICE_RULES: tuple[Callable[[Scope], Found], ...] = (
    rules_names.rule_name_form,
    rules_names.rule_name_keyword,
    rules_names.rule_name_kernel,
    rules_names.rule_name_twice,
    rules_names.rule_name_prefix,
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
    rules_layout.rule_stride,
    rules_layout.rule_width,
    rules_layout.rule_register_aligned,
    rules_layout.rule_register_outside,
    rules_layout.rule_register_overlap,
    rules_layout.rule_address_form,
    rules_layout.rule_table,
    rules_layout.rule_mask,
    rules_layout.rule_field_outside,
    rules_layout.rule_field_order,
    rules_layout.rule_field_overlap,
    rules_layout.rule_flag,
    rules_layout.rule_one_store_of_a_kind,
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
)

#: Rules between the devices of one file.
FILE_RULES: tuple[Callable[[list[Scope]], Found], ...] = (
    rules_names.file_rule_device_twice,
    rules_names.file_rule_made_names,
    rules_device.file_rule_pci_between,
)
