"""Primitives and protocols of the alliance, sans I/O: bytes in, bytes out."""
