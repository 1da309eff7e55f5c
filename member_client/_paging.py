"""Lists that the hub gives page by page."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from member_client.errors import HubError


class _Page(Protocol):
    @property
    def next_page_token(self) -> str:
        """The token of the next page; empty on the last one."""


Page = TypeVar("Page", bound=_Page)
Item = TypeVar("Item")


async def pages(
    fetch: Callable[[str], Awaitable[Page]], items: Callable[[Page], Sequence[Item]], first: str = ""
) -> AsyncGenerator[Sequence[Item], None]:
    """Give what a list's pages hold, in order; `fetch` gets the one that a token names, the empty token the first.

    `first` names the one to begin with.

    A page that announces another one holds something and names a page that was not given yet, so that no hub can keep
    a caller waiting at a list without end. Raises HubError otherwise.
    """
    token = first
    given = {token}
    while True:
        page = await fetch(token)
        held = items(page)
        yield held
        token = page.next_page_token
        if not token:
            return
        if not held or token in given:
            raise HubError("The hub gives a list whose pages do not end.")
        given.add(token)
