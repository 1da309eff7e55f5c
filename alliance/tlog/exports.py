"""Exports of logs for auditors: what lies where in the folder.

`export.json` says which logs are in it, `hub-keys.json` whose signatures they bear. Each log has a folder of its own,
with its checkpoint, that of the log before, hash tiles and bundles of entries (`tiles`). An entry is salt ‖ event.
"""

from typing import Final

FORMAT: Final = "alliance-audit-export/1"
MANIFEST: Final = "export.json"
KEYS: Final = "hub-keys.json"
CHECKPOINT: Final = "checkpoint"
PREVIOUS: Final = "previous"
WITNESSED: Final = "witnessed"
"""The newest checkpoint that witnesses cosigned, where that is not the newest of all."""
