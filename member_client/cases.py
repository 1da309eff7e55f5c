"""Police cases on the client: `cases` is for liaisons and approvers, `inquiries` for members that are asked."""

from collections.abc import Awaitable, Callable

from member_client._session import Session

Opened = Callable[[], Awaitable[Session]]
"""Gives the session of the client, opened where it is not."""


class Cases:
    """Cases, for a liaison and for those who approve them; made by the client."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened


class Inquiries:
    """Cases that ask this member about claims of its own; made by the client."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
