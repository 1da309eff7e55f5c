"""Use cases of the hub, one file each; they know ports and rules, no SQL and no gRPC."""
