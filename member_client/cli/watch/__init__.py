"""`member-client watch`: the member's own customers, and what the alliance says of them from now on."""
