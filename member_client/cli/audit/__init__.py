"""`member-client audit`: what the hub's audit log proves, and what this member can see for itself."""
