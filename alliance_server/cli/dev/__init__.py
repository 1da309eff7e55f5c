"""`alliance-server dev`: a hub for people who write against the SDK, and lenders around it.

Rules:

1. It is a real hub, of the alliance `dev`. What its lenders claim they contribute by `member-client`, a process each.
2. Its folder is its own: another folder with anything in it is left alone, and nothing outside it is written.
3. To start it again on its folder changes nothing that stands; what has expired meanwhile is claimed anew.
4. It listens on loopback only, and settings of other hubs and profiles (`ALLIANCE_…`) do not reach it.
"""

from alliance_server.cli.dev.running import run_dev

__all__ = ["run_dev"]
