"""A model of a device, and what has it meet the device's driver in a kernel.

``runtime``, the carriers ``uml`` and ``qemu``, and ``carrier``, which those share, are the model's
own: nothing but Python's library, and copied beside each model.  ``emit`` writes that model;
``kernel`` builds, ``guest`` and ``machine`` boot and ``checks`` tries.
"""
