"""`alliance-server tls`: the hub's certificates; they work beside a hub that serves, which takes up what changes."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from rich.console import Console
from rich.table import Table

from alliance.clock import SystemClock
from alliance.taxonomy import DAY_MS
from alliance_server.authority import server_name
from alliance_server.certificates import fingerprint, host_names, lifetime_ms, read_certificate
from alliance_server.cli.hub import check_hosts
from alliance_server.cli.printing import say
from alliance_server.config import load_config
from alliance_server.hub_keys import HubKeys, open_keys

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
    if hosts is None:
        own = server_name(keys.alliance)
        hosts = [name for name in host_names(read_certificate(keys.tls_certificate)) if name != own]
    keys.renew_certificate(hosts, SystemClock().now_ms())
    say(out, f"the hub's certificate is renewed, for {', '.join(hosts)}")
    say(out, _TAKEN_UP)


def _opened(folder: Path) -> HubKeys:
    config = load_config(folder)
    return open_keys(config.keys_folder, config.alliance, config.pkcs11)


def _life(certificate: x509.Certificate, now: int) -> tuple[str, str]:
    ends = lifetime_ms(certificate)[1]
    return datetime.fromtimestamp(ends / 1000, UTC).strftime("%Y-%m-%d"), str((ends - now) // DAY_MS)
