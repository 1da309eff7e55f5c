"""Looks for what keeps a hub from working, or will, and says how to mend it. Changes nothing; the hub may run or not.

`check` looks at the configuration and whatever it names; `examine` also at what the database tells of the hub that runs
on it. With an error the hub does not start or serves nobody; a warning is for the operator.
"""

from alliance_server.cli.doctor.examining import check, examine

__all__ = ["check", "examine"]
