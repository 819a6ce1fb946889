"""Faults, brought about for real: processes killed, disks filled, files damaged."""
