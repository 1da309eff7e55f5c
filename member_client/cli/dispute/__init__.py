"""`member-client dispute`: contest a claim for a consumer, answer what is contested, and review."""
