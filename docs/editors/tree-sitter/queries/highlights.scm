; SPDX-License-Identifier: GPL-2.0-only
(comment) @comment
(string) @string
[(number) (pci_id) (pci_class)] @number
(kind) @type.builtin

(device (name) @type)
(layout (name) @type)
(store (name) @variable)
(pool . "pool" . (name) @variable)
(vector . "vector" . (name) @variable)
(subdevice (name) @variable)
(flag (name) @property)
(cookie (name) @property)
(command_cookie (name) @property)

["{" "}" "[" "]"] @punctuation.bracket
[";" ","] @punctuation.delimiter
["=" "+" ".." "@" ":"] @operator

[
  "acpi" "architecture" "device" "include" "maintainer" "path" "pci" "platform" "pool" "remapping"
  "requires" "slot" "store" "subdevice" "vector" "vectors"
] @keyword

[
  "active" "address" "address_hi" "address_lo" "bar" "big" "bit" "bits" "class" "clear" "control"
  "cookie" "cpu" "cpus" "data" "dedicated" "driver" "endian" "hard" "index" "last" "least" "little"
  "loaded" "low" "managed" "mask" "mask_bits" "max" "node" "offset" "one" "oneshot" "only"
  "optional" "pending" "per" "read" "register" "reserve" "runtime" "select" "set" "share" "slots"
  "table" "threaded" "to" "unmaskable" "up" "width" "window" "write"
] @keyword.modifier
