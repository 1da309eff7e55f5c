"""Police cases: their words and clocks, what may be asked under which instrument, and what the parties sign.

A liaison's two officers sign a request that fixes its suspects by a Merkle root; an approver of each function agrees;
the suspects are evaluated and matched; the members with matching claims reply, sealed to the officer. Pure functions.
"""
