"""What a device's pools do on a large machine: ``imsgen simulate``."""
