"""The hub: it counts, members compute. It sees blinded points, tags of claims, sealed boxes, and who asked."""
