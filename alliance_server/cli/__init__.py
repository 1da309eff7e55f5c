"""The hub operator's command line."""

import os


def main() -> None:
    """Run `alliance-server`."""
    # gRPC reads this when it is imported; its own lines would stand beside ours and say less.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from alliance_server.cli.app import main as run

    run()
