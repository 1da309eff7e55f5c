"""Verifies the log as it lies in a hub's database and folder, and believes nothing of either.

What is believed is the hub's public key, and the checkpoints that somebody remembers: whoever owns the database can
change every row of it, and with the hub's key sign it anew; but not what others hold.
"""

from alliance_server.verification.faults import Fault
from alliance_server.verification.logs import Verification, verify_logs

__all__ = ["Fault", "Verification", "verify_logs"]
