"""The member's book: its own customers as sealed tags, held against each change of the filter and of claims' statuses.

`model` are its records, `shelves` keeps them, `adding` fills it, `comparing` decides without I/O what happened,
`rounds` looks, `keeping` goes on looking.
"""

from member_client._book.keeping import Book

__all__ = ["Book"]
