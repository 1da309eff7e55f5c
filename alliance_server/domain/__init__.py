"""Frozen values, rules and ports of the hub; no I/O and no SQL."""
