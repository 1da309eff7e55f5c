"""`keys/policy.toml` says what the code does."""

import tomllib
from pathlib import Path

from support.keys import OF_PROGRAMS

from alliance.taxonomy import DAY_MS
from alliance_server import authority
from alliance_server.domain import epochs, members, statements
from alliance_server.services import filter_maintenance
from member_client import _cover

POLICY = Path(__file__).resolve().parents[2] / "keys" / "policy.toml"
MINUTE_MS = 60_000


def test_the_policy_file_matches_the_code() -> None:
    assert tomllib.loads(POLICY.read_text()) == {
        "epoch": {"suite": epochs.SUITE, "life_days": epochs.EPOCH_LIFE_MS // DAY_MS},
        "certificate": {
            "member_life_days": members.CERTIFICATE_LIFE_MS // DAY_MS,
            "backdate_minutes": authority.BACKDATE_MS // MINUTE_MS,
        },
        "enrolment": {"token_life_hours": members.INVITATION_LIFE_MS // (60 * MINUTE_MS)},
        "header": {"clock_skew_minutes": statements.MAX_SKEW_MS // MINUTE_MS},
        "filter": {
            "heartbeat_life_minutes": filter_maintenance.HEARTBEAT_LIFE_MS // MINUTE_MS,
            "snapshot_life_days": filter_maintenance.SNAPSHOT_LIFE_MS // DAY_MS,
            "cover_share": _cover.SHARE,
        },
        "sealing": {f"scrypt_{name}": value for name, value in OF_PROGRAMS.items()},
    }
