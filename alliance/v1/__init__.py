"""Generated stubs of the wire; `make protos` makes them from `proto/`."""
