"""The hub operator's command line."""

import gc
import os


def main() -> None:
    """Run `alliance-server`."""
    # gRPC reads this when it is imported; its own lines would stand beside ours and say less.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    gc.disable()  # what is imported stays: to look through it again and again takes a tenth of the start
    from alliance_server.cli.app import main as run

    gc.freeze()
    gc.enable()
    run()
