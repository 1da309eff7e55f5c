"""The member's command line: `member-client`."""

from member_client.cli.app import app, main

__all__ = ["app", "main"]
