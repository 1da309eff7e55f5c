"""Where events go: a file that a crash does not spoil, and a webhook that is signed, patient and not led astray."""

import asyncio
import base64
import hmac
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.hub import running_hub
from support.sdk import BASIS, PHONES, contribute, lender, row

from alliance.crypto.secret import Secret
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client import AllianceClient, InvalidUse, Subject, WatchEvent, WatchKind, WebhookFailed
from member_client.sinks import (
    Delivered,
    JsonlSink,
    WebhookSink,
    deliver,
    delivering,
    read_secret,
    retry_dead_letters,
    webhook,
)

NewFolder = Callable[[], Path]
MINE = PHONES[:4]
SECRET = Secret(b"0123456789abcdef0123456789abcdef")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "FIRST_PAUSE_SECONDS", 0.001)


@dataclass
class Receiver:
    """A webhook's receiver: what it got, and what it is to answer; 200 once that is used up."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?key=1"

    def numbers(self) -> list[int]:
        return [json.loads(body)["data"]["number"] for _, _, body in self.got]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer = state.answers.pop(0) if state.answers else 200
            while answer == 100:  # until the caller hangs up
                self.send_response_only(100)
                self.end_headers()
                state.hung_up.wait(0.05)
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("location", f"http://127.0.0.1:{state.port}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of who hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    state.hung_up.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as state:
        yield state


def certificate(folder: Path) -> Path:
    """Make key and certificate of a receiver on this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def watched(folder: Path, listed: int = 2) -> AsyncIterator[tuple[AllianceClient, AllianceClient]]:
    """A lender that watches, and one that listed some of its customers."""
    async with running_hub(folder) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(text) for text in MINE[:listed]])
        await hub.settle()
        await b.watch_add([Subject(f"C-{text[-3:]}", phone=text) for text in MINE], consent=BASIS)
        yield a, b


async def test_a_webhook_gets_what_it_can_verify(new_hub_folder: NewFolder, receiver: Receiver) -> None:
    async with watched(new_hub_folder(), 1) as (_, b):
        assert await deliver(b, WebhookSink(receiver.url, SECRET), follow=False) == Delivered(taken=1)
        ((path, headers, body),) = receiver.got
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(SECRET.reveal(), signed, "sha256")).decode()
        assert (path, headers["webhook-signature"]) == ("/hooks?key=1", f"v1,{expected}")
        content = json.loads(body)
        assert (content["type"], content["data"]["ref"]) == ("match.new", f"C-{MINE[0][-3:]}")
        assert headers["webhook-id"].startswith(f"{content['data']['book']}-1-")
        assert MINE[0].encode() not in body
        assert (await b.watch_status()).unacknowledged == 0
        assert await deliver(b, WebhookSink(receiver.url, SECRET), follow=False) == Delivered()


async def test_a_webhook_that_fails_is_tried_again_and_what_it_never_takes_is_set_aside(
    new_hub_folder: NewFolder, receiver: Receiver
) -> None:
    async with watched(new_hub_folder()) as (_, b):
        webhook = WebhookSink(receiver.url, SECRET)
        receiver.answers = [500, 503, 200, 500, 500, 500]
        assert await deliver(b, webhook, follow=False, attempts=3) == Delivered(taken=1, dead_letters=1)
        assert receiver.numbers() == [1, 1, 1, 2, 2, 2]
        assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 2
        status = await b.watch_status()
        assert (status.unacknowledged, status.dead_letters) == (0, 1)
        receiver.answers = [500]
        assert await retry_dead_letters(b, webhook) == Delivered(dead_letters=1)
        assert [event.number for event in await b.watch_dead_letters()] == [2]
        assert await retry_dead_letters(b, webhook) == Delivered(taken=1)
        assert await b.watch_dead_letters() == []


async def test_a_redirect_is_refused(new_hub_folder: NewFolder, receiver: Receiver) -> None:
    async with watched(new_hub_folder(), 1) as (_, b):
        receiver.answers = [302, 307]
        assert await deliver(b, WebhookSink(receiver.url, SECRET), follow=False, attempts=2) == Delivered(
            dead_letters=1
        )
        assert {path for path, _, _ in receiver.got} == {"/hooks?key=1"}


def an_event() -> WatchEvent:
    return WatchEvent(
        number=1,
        kind=WatchKind.MATCH_NEW,
        ref="C-1",
        field="phone",
        entry_id=bytes(16),
        contributor="a",
        category=Category.MULE_ACCOUNT,
        role=SubjectRole.PERPETRATOR,
        evidence=EvidenceLevel.E1,
        status=ClaimStatus.ACTIVE,
        action=Action.INFORM,
        expires_at=1,
        at=1,
        book="book",
    )


async def test_a_receiver_that_never_comes_to_its_answer_is_given_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "DELIVERY_SECONDS", 0.3)
    receiver.answers = [100]
    async with asyncio.timeout(20):
        with pytest.raises(WebhookFailed, match="cannot be reached"):
            await asyncio.to_thread(WebhookSink(receiver.url, SECRET).post, an_event())


async def test_nobody_there_is_a_failure_like_another(new_hub_folder: NewFolder, receiver: Receiver) -> None:
    async with watched(new_hub_folder(), 1) as (_, b):
        nobody = WebhookSink("https://localhost:1/", SECRET)
        assert await deliver(b, nobody, follow=False, attempts=2) == Delivered(dead_letters=1)
        assert await retry_dead_letters(b, WebhookSink(receiver.url, SECRET)) == Delivered(taken=1)


async def test_a_receiver_is_believed_by_its_certificate_alone(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(path)
    async with watched(new_hub_folder(), 1) as (a, b):
        with receiving(serves) as receiver:
            url = f"https://localhost:{receiver.port}/hooks"
            assert await deliver(b, WebhookSink(url, SECRET), follow=False, attempts=1) == Delivered(dead_letters=1)
            assert receiver.got == []
            trusts = ssl.create_default_context(cafile=path)
            assert await retry_dead_letters(b, WebhookSink(url, SECRET, tls=trusts)) == Delivered(taken=1)
            # The name in the certificate counts, too.
            (claim,) = [it async for it in a.claims()]
            await a.withdraw(claim.entry_id, reason="settled")
            other = WebhookSink(f"https://127.0.0.1:{receiver.port}/hooks", SECRET, tls=trusts)
            assert await deliver(b, other, follow=False, attempts=1) == Delivered(dead_letters=1)
            assert receiver.numbers() == [1]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "ftp://localhost/",
        "https://user:word@hooks.example.org/",
        "https://",
        "hooks.example.org",
        "https://hooks.example.org:port/",
    ],
)
def test_addresses_that_are_not_safe_are_refused(url: str) -> None:
    with pytest.raises(InvalidUse) as refused:
        WebhookSink(url, SECRET)
    assert "word" not in str(refused.value)


def test_a_secret_is_read_as_the_convention_has_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("whsec_" + base64.b64encode(SECRET.reveal()).decode() + "\n")
    assert read_secret(path) == SECRET
    path.write_bytes(SECRET.reveal() + b"\n")
    assert read_secret(path) == SECRET
    for wrong in ("short", "whsec_***" + "a" * 40):
        path.write_text(wrong)
        with pytest.raises(InvalidUse):
            read_secret(path)
    with pytest.raises(InvalidUse):
        read_secret(tmp_path / "none")
    assert "cdef" not in repr(WebhookSink("https://hooks.example.org/s3cret", SECRET))


def numbers_in(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_text().splitlines()]


async def test_a_file_holds_each_event_once_whatever_moment_a_crash_chose(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    async with watched(new_hub_folder(), 3) as (a, b):
        with JsonlSink(path) as sink:
            # On the disk, and the process gone before it could acknowledge.
            events = [event async for event in b.watch(follow=False)]
            sink.take(events[:2])
        with path.open("ab") as file:
            file.write(b'{"number": 3, "kind": "mat')
        with JsonlSink(path) as sink:
            assert await deliver(b, sink, follow=False) == Delivered(taken=1)
        assert numbers_in(path) == [1, 2, 3]
        assert (await b.watch_status()).unacknowledged == 0
        with JsonlSink(path) as sink:
            assert await deliver(b, sink, follow=False) == Delivered()
            with pytest.raises(InvalidUse, match="another process"):
                JsonlSink(path)
        (claim,) = [it async for it in a.claims()][:1]
        await a.withdraw(claim.entry_id, reason="settled")
        with JsonlSink(path) as sink:
            assert await deliver(b, sink, follow=False) == Delivered(taken=1)
        assert numbers_in(path) == [1, 2, 3, 4]
        assert json.loads(path.read_text().splitlines()[-1])["kind"] == "match.cleared"
        assert path.stat().st_mode & 0o077 == 0


def test_a_file_of_one_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"number": 9, "book": "x"')
    with JsonlSink(path) as sink:
        assert sink.cursor("x") == 0
    assert path.read_bytes() == b""
    path.write_bytes(b'{"number": 9, "book": "x"}\n{"num' + b"x" * 200_000)
    with JsonlSink(path) as sink:
        assert (sink.cursor("x"), sink.cursor("y")) == (9, 0)


async def test_events_go_to_a_callable_and_stay_where_it_fails(new_hub_folder: NewFolder) -> None:
    async with watched(new_hub_folder()) as (_, b):
        taken: list[int] = []
        fails = [True]

        def take(events: object) -> None:
            if fails.pop():
                raise RuntimeError("full")
            taken.extend(event.number for event in events)  # type: ignore[attr-defined]

        with pytest.raises(RuntimeError):
            await deliver(b, take, follow=False)
        fails.append(False)
        await deliver(b, take, follow=False)
        assert taken == [1, 2]
