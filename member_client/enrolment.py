"""Enrolment: how this member's own keys become known to the alliance.

Order, so that a crash or a lost reply at any point is mended by doing the same again:

1. keys are made here and sealed: the TLS key, the identity key, the key of the local store;
2. the whole request is sealed before it is sent, and the same bytes are sent again until they are answered;
3. the answer is believed only if the CA issued the certificate to our key and name, and the hub's signed statement
   names our id and identity key;
4. certificate first, then the profile, and last the request with its token is removed;
5. calls are refused until the alliance has confirmed the key, by the words of its fingerprint.

The bundle is the caller's file and stays as it is; its token is spent.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance import fingerprints, statements
from alliance.certificates import generate_key
from alliance.clock import Clock, SystemClock
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.store import write_atomically
from alliance.v1.directory_pb2 import MEMBER_STATE_ACTIVE, MEMBER_STATE_UNCONFIRMED
from alliance.v1.enrolment_pb2 import EnrolmentRequest, EnrolRequest, EnrolResponse
from alliance.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from member_client._bundle import Bundle, read_bundle
from member_client._certificates import ca_certificates, checked_certificate, request_for
from member_client._credentials import IDENTITY, STORE_KEY, TLS_CERTIFICATE, TLS_KEY
from member_client._deadline import Deadline
from member_client._directory import read_member
from member_client._transport import Address, Credentials, Transport
from member_client._workers import Workers
from member_client.config import PROFILE_FILE, Profile, checked_region, spiffe_id
from member_client.errors import (
    AlreadyEnrolled,
    ConfigurationInvalid,
    EnrolmentUnavailable,
    HubUnavailable,
    StatementInvalid,
    TokenRefused,
)

CA_FILE: Final = "ca.pem"
PENDING: Final = "enrolment-request"
CALL_SECONDS: Final = 30.0


async def enrol(
    bundle: Path,
    folder: Path,
    *,
    default_region: str = "CN",
    operator: str = "",
    timeout: float = CALL_SECONDS,  # noqa: ASYNC109 - handed to the call
    clock: Clock | None = None,
) -> Profile:
    """Enrol this machine with an invitation's bundle; gives the profile that is now in the folder.

    Raises AlreadyEnrolled, ConfigurationInvalid (bundle, keys), TokenRefused, HubUnavailable (do it again), or an
    IntegrityError where the answer is not to be believed; nothing of such an answer is kept.
    """
    if (folder / PROFILE_FILE).exists():
        raise AlreadyEnrolled(f"{folder} holds an enrolled profile")
    checked_region(default_region, "enrol")
    clock = clock or SystemClock()
    workers = Workers(1)
    try:
        invitation = await workers.disk(read_bundle, bundle)
        ca_certificates(invitation.ca.encode())
        keys, request = await workers.disk(_made_ready, invitation, folder, clock)
        response = await _answered(invitation, request, timeout)
        return await workers.disk(_finished, invitation, folder, keys, response, clock, default_region, operator)
    except OSError as error:
        raise ConfigurationInvalid(f"{folder} cannot be written: {type(error).__name__}") from error
    finally:
        await workers.close()


def fingerprint(profile: Profile) -> str:
    """Give the words of this member's key, which its people read to the alliance's admins by telephone.

    Opens the sealed keys, which blocks for about 0.1 s; raises ConfigurationInvalid.
    """
    return fingerprints.fingerprint(identity_key(profile))


def identity_key(profile: Profile) -> bytes:
    """Give the Ed25519 public key of which those are the words; blocks, and raises, alike."""
    try:
        return SigningKey(profile.open_keys().get(IDENTITY)).public_key
    except KeyFileInvalid as error:
        raise ConfigurationInvalid(str(error)) from error


def _made_ready(invitation: Bundle, folder: Path, clock: Clock) -> tuple[KeyStore, EnrolRequest]:
    """Seal keys and request, or find those of an earlier try; blocks."""
    try:
        keys = KeyStore(folder / "keys", obtain_passphrase(folder / "keys", create=True))
        pending = _pending(keys, invitation)
        if pending is not None:
            return keys, pending
        if invitation.expires_at <= clock.now_ms():
            raise TokenRefused("The invitation is expired.")
        _make_keys(keys)
        request = _request(keys, invitation)
        keys.put(PENDING, Secret(request.SerializeToString()))
    except KeyFileInvalid as error:
        raise ConfigurationInvalid(str(error)) from error
    return keys, request


def _pending(keys: KeyStore, invitation: Bundle) -> EnrolRequest | None:
    """Give the request that was sealed for this very token, where an earlier try left it."""
    if PENDING not in keys:
        return None
    request = EnrolRequest()
    request.ParseFromString(keys.get(PENDING).reveal())
    return request if Secret(request.token) == invitation.token else None


def _make_keys(keys: KeyStore) -> None:
    if TLS_KEY not in keys:
        keys.put(TLS_KEY, generate_key())
    if IDENTITY not in keys:
        keys.put(IDENTITY, SigningKey.generate()[1])
    if STORE_KEY not in keys:
        keys.put(STORE_KEY, SigningKey.generate()[1])


def _request(keys: KeyStore, invitation: Bundle) -> EnrolRequest:
    identity = SigningKey(keys.get(IDENTITY))
    payload = EnrolmentRequest(
        token_sha256=sha256(invitation.token.reveal()).digest(),
        certificate_request=request_for(keys.get(TLS_KEY), invitation.member),
        identity_key=identity.public_key,
    )
    statement = identity.statement(statements.ENROLMENT, payload.SerializeToString())
    return EnrolRequest(token=invitation.token.reveal(), enrolment=statement)


async def _answered(invitation: Bundle, request: EnrolRequest, seconds: float) -> EnrolResponse:
    address = Address(invitation.enrolment, invitation.server_name, invitation.ca.encode())
    transport = Transport(Credentials(address, None))
    try:
        return await transport.call(
            lambda channel: EnrolmentServiceStub(channel).Enrol, lambda: request, Deadline.after(seconds)
        )
    except HubUnavailable as error:
        if type(error) is not HubUnavailable:
            raise  # it says more of why
        raise EnrolmentUnavailable(str(error)) from error
    finally:
        await transport.close()


def _finished(
    invitation: Bundle,
    folder: Path,
    keys: KeyStore,
    response: EnrolResponse,
    clock: Clock,
    default_region: str,
    operator: str,
) -> Profile:
    """Believe the answer, or raise; then write it down, the profile last. Blocks."""
    certificate = checked_certificate(
        response.certificate,
        ca_pem=invitation.ca.encode(),
        key_pem=keys.get(TLS_KEY),
        spiffe_id=spiffe_id(invitation.alliance, invitation.member),
        now_ms=clock.now_ms(),
    )
    _check_member(response, invitation, keys)
    keys.put(TLS_CERTIFICATE, Secret(certificate))
    write_atomically(folder / CA_FILE, invitation.ca.encode(), 0o644)
    profile = Profile(
        folder=folder,
        alliance=invitation.alliance,
        member=invitation.member,
        hub=invitation.hub,
        server_name=invitation.server_name,
        ca=CA_FILE,
        hub_key=invitation.hub_key,
        enrolment=invitation.enrolment,
        default_region=default_region,
        operator=operator,
    )
    profile.save()
    (keys.folder / f"{PENDING}.sealed").unlink(missing_ok=True)
    return profile


def _check_member(response: EnrolResponse, invitation: Bundle, keys: KeyStore) -> None:
    member = read_member(response.member, VerifyingKey(invitation.hub_key))
    identity = SigningKey(keys.get(IDENTITY))
    if member.id != invitation.member or member.identity_key != identity.public_key:
        raise StatementInvalid("The hub's statement names another member or another identity key.")
    if member.state not in (MEMBER_STATE_ACTIVE, MEMBER_STATE_UNCONFIRMED):
        raise StatementInvalid("The hub's statement does not name this member as enrolled.")
