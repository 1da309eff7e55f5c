"""`alliance-server demo`: the main job on this machine, with nothing simulated but the people."""

from pathlib import Path

__all__ = ["run_demo"]


def run_demo(lists: Path | None, keep: Path | None) -> int:
    """Run the demo on made-up data, or on the lists of a folder; prints what it shows and returns the exit code."""
    # Imported late: the demo's hub and searchers belong to this package too, and need none of it.
    from alliance_server.demo.made_up import Sizes
    from alliance_server.demo.running import run_sized

    return run_sized(Sizes(), lists, keep)
