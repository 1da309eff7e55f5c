"""What is open in one process serves no other: a fork copies its memory, and neither its threads nor its loop."""

import os

from member_client.errors import InvalidUse


def check_not_forked(opened_by: int) -> None:
    """Raise InvalidUse in a process that was forked from the one (by its id) that opened something."""
    if opened_by != os.getpid():
        raise InvalidUse("the process was forked after the client was used: make a client in each process")
