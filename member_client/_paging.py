"""Lists that the hub gives page by page."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol, TypeVar


class _Page(Protocol):
    @property
    def next_page_token(self) -> str:
        """The token of the next page; empty on the last one."""


Page = TypeVar("Page", bound=_Page)


async def pages(fetch: Callable[[str], Awaitable[Page]]) -> AsyncGenerator[Page, None]:
    """Give a list's pages in order; `fetch` gets the one that a token names, the empty token the first."""
    token = ""
    while True:
        page = await fetch(token)
        yield page
        token = page.next_page_token
        if not token:
            return
