"""What a part is played on: hubs and members in processes of their own, made-up identifiers and claims, the echo."""
