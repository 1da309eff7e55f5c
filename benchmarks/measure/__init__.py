"""Instruments: they know nothing of what is measured."""
