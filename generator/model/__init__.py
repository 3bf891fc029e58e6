"""A model of a device, and what has it meet the device's driver in a kernel.

``runtime`` and ``uml`` are the model's own: nothing but Python's library, and copied beside each
model as they are.  ``emit`` writes that model; ``kernel`` builds, ``guest`` boots and ``checks``
tries.
"""
