// SPDX-License-Identifier: GPL-2.0-only
// The language of interrupt layouts for tree-sitter; dsl/ims.lark is what imsgen reads.

/// <reference types="tree-sitter-cli/dsl" />

function block(item) {
  return seq('{', repeat(item), '}');
}

module.exports = grammar({
  name: 'ims',

  // Words are words only where the grammar wants one.
  word: $ => $.name,

  extras: $ => [/\s/, $.comment],

  rules: {
    source_file: $ => repeat(choice($.include, $.layout, $.device)),

    comment: _ => token(choice(/#[^\n]*/, /\/\/[^\n]*/)),
    string: _ => /"[^"\n]*"/,
    number: _ => /\d\w*/,
    name: _ => /[a-zA-Z_]\w*/,
    pci_id: _ => /\w+:\w+/,

    include: $ => seq('include', $.string, ';'),
    layout: $ => seq('slot', $.name, $.number, optional($.endian), block($._slot_item)),

    device: $ => seq('device', $.name, optional($.string), block($._device_item)),
    _device_item: $ => choice(
      $.pci, $.platform, $.path, $.maintainer, $.requires, $.remapping, $.architecture,
      $.store, $.vector, $.pool, $.subdevice,
    ),

    pci: $ => seq('pci', choice($.pci_id, seq('class', alias($.number, $.pci_class))), ';'),
    platform: $ => seq(choice('platform', 'acpi'), $.string, ';'),
    path: $ => seq('path', $.string, ';'),
    maintainer: $ => seq('maintainer', $.string, ';'),
    requires: $ => seq('requires', choice('remapping', seq($.number, 'vectors')), ';'),
    remapping: _ => seq('remapping', 'optional', ';'),
    architecture: $ => seq('architecture', $.name, repeat(seq(',', $.name)), ';'),

    store: $ => seq(
      'store', $.name, ':', alias($.name, $.kind), choice(';', block($._store_item)),
    ),
    _store_item: $ => choice(
      $.bar, $.offset, $.place, $.slots, $.unmaskable, $.table, $.bit_array, $.command_cookie, $.slot,
    ),
    bar: $ => seq('bar', $.number, ';'),
    offset: $ => seq('offset', $._size, ';'),
    unmaskable: _ => seq('unmaskable', ';'),
    place: $ => seq(choice('select', 'window'), '@', $.number, ';'),
    slots: $ => seq('slots', $._size, ';'),
    _size: $ => choice($.number, seq('runtime', optional(seq('max', $.number)))),
    table: $ => seq('table', 'offset', $.number, 'slots', $.number, ';'),
    bit_array: $ => seq(
      choice('mask_bits', 'pending'), optional(seq('bar', $.number)), '@', $.number,
      optional(seq('active', 'low')), ';',
    ),
    command_cookie: $ => seq('cookie', $.name, optional('optional'), ';'),
    slot: $ => seq('slot', choice(
      seq($.name, ';'),
      seq($.number, optional($.endian), block($._slot_item)),
    )),
    endian: _ => seq(choice('big', 'little'), 'endian'),

    _slot_item: $ => choice($.register, $.address_bits, $.data_index, $.own_register, $.control),
    register: $ => seq(choice('address', 'address_lo', 'address_hi', 'data'), $._place, ';'),
    address_bits: $ => seq('address', 'bits', $.number, ':', $.number, ';'),
    data_index: _ => seq('data', 'index', ';'),
    own_register: $ => seq('register', $.name, $._place, ';'),
    control: $ => seq('control', $._place, block(choice($.mask, $.flag, $.cookie, $.field))),
    _place: $ => seq('@', $.number, optional(seq('width', $.number))),
    mask: $ => seq('mask', 'bit', $.number, optional(seq('active', 'low')), ';'),
    flag: $ => seq($.name, 'bit', $.number, ';'),
    cookie: $ => seq($.name, $._bits, 'cookie', optional('optional'), ';'),
    field: $ => seq($.name, $._bits, choice(
      'set', seq('=', $.number), seq('read', 'only'), seq('write', 'one', 'to', 'clear'), 'driver', 'pending',
    ), ';'),
    _bits: $ => choice(seq('bit', $.number), seq('bits', $.number, ':', $.number)),

    vector: $ => seq(
      'vector', $.name, optional(seq('[', $.number, ']')), '=', $.name, optional($.index),
      optional($.string), optional(choice('hard', 'threaded', 'oneshot')), optional('optional'), ';',
    ),
    index: $ => seq(
      '[', choice('last', seq('runtime', 'max', $.number), seq($.number, optional(seq('..', $.number)))), ']',
    ),

    pool: $ => seq(
      'pool', $.name, '=', $.range, repeat(seq('+', $.range)), optional($.string),
      block($._pool_item),
    ),
    range: $ => seq(
      $.name,
      optional(seq('[', $.number, optional(seq('..', optional($.number))), ']')),
    ),
    _pool_item: $ => choice($.share, $.reserve, $.policy, $.cpus),
    share: $ => seq(
      'share', choice(seq('per', 'cpu'), seq('least', 'loaded')), 'up', 'to', $.number, ';',
    ),
    reserve: $ => seq('reserve', $.number, ';'),
    policy: _ => seq(choice('dedicated', 'managed'), ';'),
    cpus: _ => seq('cpus', 'node', ';'),

    subdevice: $ => seq('subdevice', $.name, 'max', $.number, block($.member)),
    member: $ => choice(
      seq('vector', $.name, ';'),
      seq('vectors', $.name, $.number, '..', $.number, ';'),
    ),
  },
});
