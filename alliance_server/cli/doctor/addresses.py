"""Checks of addresses: whether they are this machine's, differ, and reach no further than they should."""

import errno
import ipaddress
import re
import socket
from collections.abc import Iterator

from alliance.findings import Finding, error, warning
from alliance_server.config import HubConfig

_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ADDRESSES = ("listen", "enrolment_listen", "metrics_listen")


def address_findings(config: HubConfig) -> Iterator[Finding]:
    """Look at where the hub is to listen and what members are told."""
    given = {name: getattr(config, name) for name in _ADDRESSES if getattr(config, name)}
    for name, address in given.items():
        if problem := _unusable(address):
            yield error(problem, "Name an address of this machine; 0.0.0.0 stands for all of them.", about=name)
    fixed = [address for address in given.values() if not address.endswith(":0")]
    if len(set(fixed)) < len(fixed):
        yield error("two of the hub's ports have one address", "Give each an address of its own.", about="listen")
    if config.metrics_listen and not is_loopback(config.metrics_listen):
        what = "metrics are served to other machines, without TLS and to whoever asks"
        yield warning(what, "Use 127.0.0.1, or keep the port to the monitoring network.", about="metrics_listen")
    if not _is_host(config.public_host):
        what = "not a host name or an address without a port"
        yield error(what, "Name the host that members reach.", about="public_host")
    elif is_loopback(f"{config.public_host}:0") and not is_loopback(config.listen):
        what = "invitations name this machine's own loopback, though the hub listens to other machines"
        yield warning(what, "Name the host under which members reach the hub.", about="public_host")


def host_of(address: str) -> str:
    """Give the host of HOST:PORT, without brackets."""
    return address.rpartition(":")[0].strip("[]")


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def is_loopback(address: str) -> bool:
    """Say whether nobody but this machine reaches an address."""
    host = host_of(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unusable(address: str) -> str:
    """Say why nothing can listen there, whether or not something does by now; empty where it can."""
    try:
        found = socket.getaddrinfo(host_of(address), 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "the host is not known here"
    for family, kind, protocol, _, place in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(place)
                return ""
        except OSError as failure:
            if failure.errno != errno.EADDRNOTAVAIL:
                return f"nothing can listen there: {failure.strerror}"
    return "the address is not one of this machine's"
