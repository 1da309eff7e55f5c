"""The member's book: its own customers as sealed tags, held against each change of the filter and of claims' statuses.

`model` are its records, `shelves` keeps them, `adding` fills it. `comparing` decides without I/O what happened;
`holding` holds the book against a filter and writes into the `notebook`, `following` takes it from epoch to epoch.
`rounds` looks once, `keeping` again and again.
"""

from member_client._book.keeping import Book

__all__ = ["Book"]
