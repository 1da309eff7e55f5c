"""`alliance-server status`: what an operator asks in the morning, read beside the hub's process."""
