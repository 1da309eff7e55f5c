"""`alliance-server audit`: exports for auditors, and what the log says of itself, on the hub's machine."""
