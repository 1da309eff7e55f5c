"""Replacing the alliance's CA while it works: a new one is announced, then issues, then the old one goes.

Rules:

1. `ca.crt` is the only state: one CA, or two of which the first issues. Hubs that run take it up, and state it, signed
   by the identity that members pinned, so that members believe the new CA before the hub shows a certificate of it.
2. Each step holds together by itself, and each refuses while somebody would be shut out by it.
"""

from cryptography import x509

from alliance.certificates import is_issued_by, lifetime_ms, pem_of
from alliance.errors import AllianceError
from alliance.keyring.store import write_atomically
from alliance_server.authority import BACKDATE_MS, CertificateAuthority
from alliance_server.certificates import CA_FILE, read_certificate
from alliance_server.domain.members import Member, MemberState
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import HubKeys, certifier_names, new_certifier_serial
from alliance_server.services.memberships import everybody

ANNOUNCED_MS = 15 * 60 * 1000
"""Clients ask every ten minutes for the CAs in force: who called later than this after one was made knows it."""
_HELD = frozenset({MemberState.ACTIVE, MemberState.SUSPENDED})


class RotationRefused(AllianceError):
    """A step of a rotation that would shut somebody out, or that is not the next one."""


def add_ca(keys: HubKeys, now: int) -> x509.Certificate:
    """Make a new CA and let it in, behind the one that issues; raises RotationRefused."""
    if len(keys.roots.certificates) > 1:
        raise RotationRefused("a rotation is under way already: 'tls switch-ca' or 'tls drop-ca' is next")
    serial = new_certifier_serial()
    key = keys.signing.make_certifier(certifier_names(serial)[0])
    added = CertificateAuthority.create(key, keys.alliance, now, serial)
    _write(keys, [*keys.roots.certificates, read_certificate(added.certificate_pem)])
    return read_certificate(added.certificate_pem)


def switch_ca(keys: HubKeys, now: int) -> None:
    """Let the new CA issue, and show a certificate of it; raises RotationRefused."""
    old, new = _both(keys)
    if lifetime_ms(old)[0] > lifetime_ms(new)[0]:
        raise RotationRefused("the new CA issues already: 'tls drop-ca' is next")
    _write(keys, [new, old])
    keys.reread().renew_certificate(keys.hosts, now)


def drop_ca(keys: HubKeys) -> None:
    """Let the old CA in no more, and destroy its key; raises RotationRefused."""
    new, old = _both(keys)
    if lifetime_ms(new)[0] < lifetime_ms(old)[0]:
        raise RotationRefused("the old CA issues still: 'tls switch-ca' is next")
    if not is_issued_by(read_certificate(keys.tls_certificate), new):
        raise RotationRefused("the hub's certificate is of the old CA: 'tls renew' is next")
    _write(keys, [new])
    for name in certifier_names(old.serial_number):
        key = keys.signing.certifier(name)
        if key is not None and key.public_key() == old.public_key():
            keys.signing.destroy_certifier(name)


def announced_at(keys: HubKeys) -> int:
    """Give when the newest CA is known to every client in use, milliseconds UTC."""
    return max(lifetime_ms(it)[0] for it in keys.roots.certificates) + BACKDATE_MS + ANNOUNCED_MS


def not_seen_since(transaction: Transaction, since: int, now: int) -> list[str]:
    """Name the members who hold a good certificate and did not call since a time: they cannot know the new CA."""
    return [
        member.id
        for member in _holders(transaction)
        if transaction.members.count_certificates(member.id, now) and not transaction.audit.count(member.id, since, 1)
    ]


def still_on_the_old_one(transaction: Transaction, keys: HubKeys, now: int) -> list[str]:
    """Name the members whose good certificates are all of other CAs than the one that issues."""
    return [
        member.id
        for member in _holders(transaction)
        if (good := transaction.members.certificates(member.id, now))
        and not any(is_issued_by(x509.load_der_x509_certificate(it.der), keys.roots.issuing) for it in good)
    ]


def _holders(transaction: Transaction) -> list[Member]:
    return [member for member in everybody(transaction) if member.state in _HELD]


def _both(keys: HubKeys) -> tuple[x509.Certificate, x509.Certificate]:
    if len(keys.roots.certificates) != 2:
        raise RotationRefused("no rotation is under way: 'tls rotate-ca' begins one")
    first, second = keys.roots.certificates
    return first, second


def _write(keys: HubKeys, authorities: list[x509.Certificate]) -> None:
    write_atomically(keys.folder / CA_FILE, b"".join(map(pem_of, authorities)), mode=0o644)
