"""What several tests need: real hubs on loopback, databases, raw wire clients."""
