"""What must not come back from a backup is in the ledger before its commit, on both databases, and nothing else."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.stores import LATER, NOW, Databases, certificate, claim, epoch, held_writer, member

from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import Reason
from alliance.taxonomy import ClaimStatus
from alliance.testing import FakeClock
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState
from alliance_server.domain.ports import Transaction
from alliance_server.domain.purges import Purge, PurgeKind
from alliance_server.storage import database, restoration
from alliance_server.storage.purge_ledger import PurgeLedger, read_ledger
from alliance_server.storage.unit_of_work import SqlStore

KEY, _ = SigningKey.generate()


class Remembering:
    """Keeps what it is told, and looks at the database while it is told: nothing of it may be committed yet."""

    def __init__(self) -> None:
        self.lots: list[list[Purge]] = []
        self.seen: list[object] = []
        self.look: Callable[[], object] = lambda: None
        self.fails = 0

    @property
    def kinds(self) -> list[PurgeKind]:
        return [purge.kind for lot in self.lots for purge in lot]

    def append(self, purges: Sequence[Purge]) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError(28, "No space left on device")
        self.seen.append(self.look())
        self.lots.append(list(purges))

    def close(self) -> None:
        self.look = lambda: None


@pytest.fixture
def ledger() -> Remembering:
    return Remembering()


@pytest.fixture
def kept(databases: Databases, ledger: Remembering) -> SqlStore:
    """A store with a ledger, an epoch, a member and a claim."""
    store = SqlStore(databases.url, ledger)
    databases._stores.append(store)
    store.start()

    def fill(transaction: Transaction) -> None:
        transaction.epochs.add(epoch())
        transaction.members.save(member())
        transaction.claims.add([CLAIM])

    store.write_now(fill)
    ledger.lots.clear()
    ledger.seen.clear()
    return store


CLAIM = claim(1)


def withdraw(transaction: Transaction) -> None:
    transaction.claims.change_status(CLAIM.entry_id, ClaimStatus.WITHDRAWN, 1, b"statement", now=NOW)


def test_it_is_remembered_before_it_is_committed(kept: SqlStore, ledger: Remembering, databases: Databases) -> None:
    ledger.look = lambda: databases.rows("SELECT status_version FROM claims")
    kept.write_now(withdraw)
    assert ledger.seen == [[(0,)]]
    assert databases.rows("SELECT status_version FROM claims") == [(1,)]
    ((purge,),) = ledger.lots
    assert (purge.kind, purge.values["entry_id"], purge.values["version"]) == (
        PurgeKind.CLAIM,
        CLAIM.entry_id.hex(),
        1,
    )


def test_everything_that_ends_or_begins_is_remembered(kept: SqlStore, ledger: Remembering) -> None:
    def work(transaction: Transaction) -> None:
        transaction.members.save(member("lender-b"))
        transaction.members.save(member("guest", MemberState.INVITED))
        transaction.members.set_state("lender-b", MemberState.SUSPENDED, NOW)
        transaction.members.add_certificate(certificate("1"))
        transaction.members.revoke_certificates("lender-a", NOW)
        transaction.epochs.add(epoch(2))
        transaction.purges.epoch_retired(1)

    kept.write_now(work)
    assert ledger.kinds == [
        PurgeKind.MEMBER,
        PurgeKind.MEMBER_STATE,
        PurgeKind.CERTIFICATE,
        PurgeKind.CERTIFICATES_REVOKED,
        PurgeKind.EPOCH_BEGUN,
        PurgeKind.EPOCH_RETIRED,
    ]
    assert CLAIM.tag.hex() not in repr(ledger.lots)


def test_what_is_refused_taken_back_or_read_is_not_remembered(kept: SqlStore, ledger: Remembering) -> None:
    def refused(transaction: Transaction) -> None:
        transaction.members.set_state("lender-a", MemberState.SUSPENDED, NOW)
        raise Refused(Reason.NOT_PERMITTED, "no")

    def tried(transaction: Transaction) -> None:
        with transaction.undone():
            withdraw(transaction)

    with pytest.raises(Refused):
        kept.write_now(refused)
    kept.write_now(tried)
    kept.write_now(lambda transaction: transaction.claims.get(CLAIM.entry_id))
    with held_writer(kept):  # beside others, too
        futures = [kept._submit(it) for it in (refused, tried, withdraw)]
    with pytest.raises(Refused):
        futures[0].result(30)
    futures[2].result(30)
    assert ledger.kinds == [PurgeKind.CLAIM]


def test_a_ledger_without_room_refuses_what_needs_it_and_nothing_else(
    kept: SqlStore, ledger: Remembering, databases: Databases
) -> None:
    ledger.fails = 2
    with pytest.raises(Refused) as caught:
        kept.write_now(withdraw)
    assert caught.value.reason is Reason.STORAGE_FULL
    with held_writer(kept):
        futures = [
            kept._submit(lambda transaction: transaction.members.set_state("lender-a", MemberState.SUSPENDED, NOW)),
            kept._submit(lambda transaction: transaction.quotas.set_limit("lender-a", 1, 7)),
        ]
    # The first try of both together took the last failure; each by itself has room again.
    for future in futures:
        future.result(30)
    assert databases.rows("SELECT status_version FROM claims") == [(0,)]
    assert databases.rows("SELECT items FROM budget_limits") == [(7,)]
    assert ledger.kinds == [PurgeKind.MEMBER_STATE]


def test_a_restore_leaves_no_credit_of_an_epoch_that_is_gone(kept: SqlStore) -> None:
    def fill(transaction: Transaction) -> None:
        transaction.quotas.add_credit("a", 1, 4)
        transaction.quotas.add_credit("a", 1, 5, retagging=True)

    kept.write_now(fill)
    with database.writing(kept.engine) as connection, connection.begin():
        restoration.retire_epochs(connection, [1])
    left = kept.read_now(lambda it: (it.quotas.credit("a", 1), it.quotas.credit("a", 1, retagging=True)))
    assert left == (0, 0)


def test_processes_write_files_of_their_own_that_are_read_in_the_order_of_time(
    tmp_path: Path, sqlite_template: Path
) -> None:
    url, clock = f"sqlite:///{tmp_path / 'hub.db'}", FakeClock()
    (tmp_path / "hub.db").write_bytes(sqlite_template.read_bytes())
    stores = [SqlStore(url, PurgeLedger(tmp_path / "purges", KEY, clock)) for _ in range(2)]
    for store in stores:
        store.start()
    stores[0].write_now(lambda transaction: transaction.members.save(member()))
    for number in range(6):
        state = (MemberState.SUSPENDED, MemberState.ACTIVE)[number % 2]
        clock.advance(seconds=1)
        stores[number % 2].write_now(
            lambda transaction, to=state: transaction.members.set_state("lender-a", to, LATER)  # type: ignore[misc]
        )
    for store in stores:
        store.close()
    entries = read_ledger([tmp_path / "purges"], [VerifyingKey(KEY.public_key)])
    assert [entry.purge.values.get("state") for entry in entries[1:]] == [3, 2] * 3
    assert len(list((tmp_path / "purges").iterdir())) == 2


def test_a_ledger_goes_on_in_another_file_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = PurgeLedger(tmp_path / "purges", KEY, FakeClock())
    purge = Purge(PurgeKind.EPOCH_RETIRED, {"epoch": 1})
    made.append([purge])
    with monkeypatch.context() as patch:

        def full(descriptor: int, content: bytes) -> int:
            patch.undo()
            return os.write(descriptor, content[:10])

        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            made.append([Purge(PurgeKind.EPOCH_RETIRED, {"epoch": 2})])
    made.append([Purge(PurgeKind.EPOCH_RETIRED, {"epoch": 3})])
    made.close()
    entries = read_ledger([tmp_path / "purges"], [VerifyingKey(KEY.public_key)])
    assert [entry.purge.values["epoch"] for entry in entries] == [1, 3]
    assert len(list((tmp_path / "purges").iterdir())) == 2
