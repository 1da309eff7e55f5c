"""Commands about members; they work beside a hub that serves, on the same database."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alliance.bundles import enrolment_bundle
from alliance.clock import SystemClock, moment
from alliance.errors import Reason
from alliance.keyring.store import write_atomically
from alliance_server.authority import server_name
from alliance_server.cli.printing import say
from alliance_server.config import HubConfig, load_config
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.hub_store import open_store
from alliance_server.services.enrolment import EnrolmentService, Ticket
from alliance_server.services.memberships import everybody, refuse_once_founded, seen
from alliance_server.storage.unit_of_work import SqlStore


@contextmanager
def opened(folder: Path) -> Iterator[tuple[HubConfig, HubKeys, SqlStore, EnrolmentService]]:
    """Open a hub's keys and database beside the hub."""
    config = load_config(folder)
    keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
    clock = SystemClock()
    store = open_store(config, keys, clock)
    store.start()
    try:
        yield config, keys, store, EnrolmentService(store, keys.authority, keys.identity, clock)
    finally:
        store.close()


def bundle(config: HubConfig, keys: HubKeys, ticket: Ticket, hub: str, enrolment: str) -> bytes:
    """Give an enrolment bundle as a file's content; see docs/reference/enrolment-bundle.md."""
    return enrolment_bundle(
        alliance=config.alliance,
        member=ticket.member_id,
        hub=hub,
        enrolment=enrolment,
        server_name=server_name(config.alliance),
        ca_pem=keys.roots.pem,
        hub_key=keys.identity.public_key,
        token=ticket.token,
        expires_at=ticket.expires_at,
    )


def addresses(config: HubConfig) -> tuple[str, str]:
    """Give where a hub is reached: by members, and by who enrols."""
    return _public(config, config.listen), _public(config, config.enrolment_listen)


def _public(config: HubConfig, listen: str) -> str:
    host = f"[{config.public_host}]" if ":" in config.public_host else config.public_host
    return f"{host}:{listen.rpartition(':')[2]}"


def invite_member(
    out: Console, folder: Path, member_id: str, display_name: str, destination: Path, role: str = "member"
) -> None:
    """Invite somebody and write their bundle."""
    if role.upper() not in Role.__members__:
        raise Refused(Reason.INVALID_REQUEST, f"a role is {', '.join(it.word for it in Role)}")
    if destination.exists():
        raise Refused(Reason.CONFLICTING_RETRY, f"{destination} exists; nothing was changed")
    if not destination.absolute().parent.is_dir():
        raise Refused(Reason.INVALID_REQUEST, f"there is no folder {destination.parent}; nothing was changed")
    with opened(folder) as (config, keys, _store, enrolment):
        ticket = asyncio.run(enrolment.invite(member_id, display_name, Role[role.upper()]))
        write_atomically(destination, bundle(config, keys, ticket, *addresses(config)))
    say(out, f"{member_id} is invited; the token in {destination} works once, until {moment(ticket.expires_at)}")
    say(out, f"send it by a trusted channel; there: member-client enrol {destination.name}")
    say(out, f"then have them read the fingerprint by telephone: alliance-server member confirm {member_id}")


def confirm_member(out: Console, folder: Path, member_id: str, words: Callable[[], str]) -> None:
    """Confirm the key with which somebody enrolled, by the words that they told; asked for once they may matter."""
    with opened(folder) as (_config, _keys, store, enrolment):
        store.read_now(lambda transaction: _check_confirmable(transaction, member_id))
        asyncio.run(enrolment.confirm(member_id, words()))
    say(out, f"the key of {member_id} is confirmed: it may call from now on")


def _check_confirmable(transaction: Transaction, member_id: str) -> None:
    refuse_once_founded(transaction)
    seen(transaction, member_id)


def list_members(out: Console, folder: Path) -> None:
    """List members."""
    table = Table("member", "name", "role", "state", "since", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    with opened(folder) as (_config, _keys, store, _enrolment):
        for member in store.read_now(lambda transaction: list(everybody(transaction))):
            name, state = Text(member.display_name), member.state.name.lower()
            table.add_row(member.id, name, member.role.word, state, moment(member.stated_at))
    if table.row_count:
        out.print(table)
    else:
        say(out, "no members yet; next: alliance-server member invite NAME --out NAME.json")


def revoke_member(out: Console, folder: Path, member_id: str) -> None:
    """Revoke a member's certificates."""
    with opened(folder) as (_config, _keys, store, enrolment):
        if store.read_now(lambda transaction: transaction.members.get(member_id)) is None:
            raise Refused(Reason.NOT_FOUND, f"there is no member '{member_id}'")
        revoked = asyncio.run(enrolment.revoke(member_id))
    if revoked:
        say(out, f"{revoked} certificate(s) of {member_id} revoked; the next call under them is refused")
    else:
        say(out, f"{member_id} has no certificate that is still good: revoked before, or never enrolled")
