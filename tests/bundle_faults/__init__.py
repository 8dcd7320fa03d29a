"""Faults that are planted into a copy of the bundle, and changes that are none."""
