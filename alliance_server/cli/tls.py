"""`alliance-server tls`: the hub's certificates; they work beside a hub that serves, which takes up what changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from rich.console import Console
from rich.table import Table

from alliance.certificates import lifetime_ms
from alliance.clock import SystemClock
from alliance.taxonomy import DAY_MS
from alliance_server.ca_rotation import (
    RotationRefused,
    add_ca,
    announced_at,
    drop_ca,
    not_seen_since,
    still_on_the_old_one,
    switch_ca,
)
from alliance_server.certificates import fingerprint, host_names, read_certificate
from alliance_server.cli.hub import check_hosts
from alliance_server.cli.printing import say
from alliance_server.config import load_config
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.storage.unit_of_work import SqlStore

_TAKEN_UP = "a hub that serves takes it up within seconds; connections that are open live on"


def show_certificates(out: Console, folder: Path) -> None:
    """Show the certificates and their days left."""
    keys, now = _opened(folder), SystemClock().now_ms()
    table = Table("certificate", "of", "ends", "days left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    hub = read_certificate(keys.tls_certificate)
    table.add_row("hub", ", ".join(host_names(hub)), *_life(hub, now))
    for place, authority in enumerate(keys.roots.certificates):
        table.add_row("CA" if place else "CA, issues", fingerprint(authority), *_life(authority, now))
    out.print(table)


def renew_certificate(out: Console, folder: Path, hosts: list[str] | None) -> None:
    """Renew the hub's certificate, with a new key."""
    check_hosts(hosts or [])
    keys = _opened(folder)
    hosts = keys.hosts if hosts is None else hosts
    keys.renew_certificate(hosts, SystemClock().now_ms())
    say(out, f"the hub's certificate is renewed, for {', '.join(hosts)}")
    say(out, _TAKEN_UP)


def rotate_ca(out: Console, folder: Path) -> None:
    """Make a new CA and announce it."""
    added = add_ca(_opened(folder), SystemClock().now_ms())
    say(out, f"the CA {fingerprint(added)} is made; hubs that serve let it in and state it within seconds")
    say(out, "members take it up when they next call; then: alliance-server tls switch-ca")


def switch_to_new_ca(out: Console, folder: Path, *, anyway: bool) -> None:
    """Let the new CA issue."""
    keys, now = _opened(folder), SystemClock().now_ms()
    since = announced_at(keys)
    missing = [] if anyway else _read(folder, lambda transaction: not_seen_since(transaction, since, now))
    if missing:
        raise RotationRefused(
            f"{', '.join(missing)} did not call since the new CA is known, 15 minutes after it was made, and would not "
            "believe the hub any more; wait for them, or give --anyway and send them the new CA by another way. "
            "Nothing was changed"
        )
    switch_ca(keys, now)
    say(out, "the new CA issues, and the hub shows a certificate of it")
    say(out, "members in use renew theirs within minutes; then: alliance-server tls drop-ca")


def drop_old_ca(out: Console, folder: Path) -> None:
    """Let the old CA in no more."""
    keys, now = _opened(folder), SystemClock().now_ms()
    missing = _read(folder, lambda transaction: still_on_the_old_one(transaction, keys, now))
    if missing:
        raise RotationRefused(
            f"{', '.join(missing)} hold certificates of the old CA alone, and would be shut out; "
            "have them call the hub (there: member-client renew), or revoke them. Nothing was changed"
        )
    drop_ca(keys)
    say(out, "the old CA is let in no more, and its key is destroyed; destroy its copies in backups too")


def _read(folder: Path, work: Callable[[Transaction], list[str]]) -> list[str]:
    store = SqlStore(load_config(folder).database_url)
    store.start()
    try:
        return store.read_now(work)
    finally:
        store.close()


def _opened(folder: Path) -> HubKeys:
    config = load_config(folder)
    return open_keys(config.keys_folder, config.alliance, config.pkcs11)


def _life(certificate: x509.Certificate, now: int) -> tuple[str, str]:
    ends = lifetime_ms(certificate)[1]
    return datetime.fromtimestamp(ends / 1000, UTC).strftime("%Y-%m-%d"), str((ends - now) // DAY_MS)
