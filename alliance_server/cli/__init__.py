"""The hub operator's command line."""

from alliance_server.cli.app import main

__all__ = ["main"]
