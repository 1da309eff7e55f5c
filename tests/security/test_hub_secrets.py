"""A hub's process is driven with known identifiers; then everything that it wrote is searched for them."""

import hashlib
import json
import os
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from support.filters import beats_at, download, read_head
from support.hub import RunningHub
from support.process import HubProcess, hub_process
from support.wire import (
    certificate_request,
    enrol,
    enrol_request,
    enrolment_channel,
    new_tls_key,
    refuses,
    row_of,
    valid_elements,
)

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.identifiers import Kind, canonicalise
from alliance.taxonomy import Purpose
from alliance.v1 import bucket_pb2, registry_pb2
from alliance.v1.claim_pb2 import Label
from alliance.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from alliance_server.logs import ALLOWED_FIELDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTRIBUTED = ["+8615012347856", "+8613922583107", "+8618674093125"]
QUERIED = ["+8613617482905", "+8615960713482"]


@dataclass
class Evidence:
    """What the hub wrote, and what must not be in it."""

    folder: Path
    log: Path
    claim_tags: list[bytes] = field(default_factory=list)
    nowhere: dict[str, bytes] = field(default_factory=dict)
    not_in_logs: dict[str, bytes] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, bytes]]:
        for path in [*self.folder.rglob("*"), self.log]:
            if path.is_file():
                yield str(path.relative_to(self.folder.parent)), path.read_bytes()


def forms(secret: bytes) -> list[bytes]:
    """A secret as it is, and as people print it."""
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), repr(secret)[2:-1].encode()]


def plain_hashes(text: str, kind: Kind) -> Iterator[tuple[str, bytes]]:
    inputs = {"raw": text.encode(), "input": bytes(canonicalise(kind, text).input_bytes)}
    for form, content in inputs.items():
        for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"):
            yield f"{name} of {form} {text}", hashlib.new(name, content).digest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evidence(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evidence]:
    folder = tmp_path_factory.mktemp("searched") / "hub"
    before = os.umask(0o077)
    try:
        async with hub_process(folder) as (process, hub):
            found = await drive(process, hub)
    finally:
        os.umask(before)
    yield found


async def drive(process: HubProcess, hub: RunningHub) -> Evidence:
    evidence = Evidence(process.folder, process.log)
    token = (await hub.hub.enrolment.invite("third", "third")).token
    async with enrolment_channel(hub) as channel:
        stub = EnrolmentServiceStub(channel)
        await stub.Enrol(enrol_request(token, SigningKey.generate()[0], certificate_request(new_tls_key())))
    evidence.nowhere["token"] = token
    evidence.nowhere["epoch secret"] = hub.hub.keys.epoch_key(1).reveal()
    evidence.nowhere["identity seed"] = hub.hub.keys.store.get("identity").reveal()
    evidence.nowhere["tls key"] = hub.hub.keys.tls_key.reveal().splitlines()[1]

    filer, reader = await enrol(hub, "filer"), await enrol(hub, "reader")
    evidence.nowhere["filer's tls key"] = filer.identity[0].splitlines()[1]
    inputs = [bytes(canonicalise(Kind.PHONE, text).input_bytes) for text in CONTRIBUTED]
    tags = await filer.tags(*inputs)
    label = Label(narrative_code="N-SECRET", case_reference="CASE-SECRET", desk_alias="DESK-SECRET")
    for place, text in enumerate(CONTRIBUTED):
        label_key = tags.label_key(place).reveal()
        sealed = filer.seal(tags.tag(place), label_key, label=label)
        await filer.contribute(row_of(sealed))
        evidence.claim_tags.append(tags.tag(place))
        evidence.nowhere[f"label key of {text}"] = label_key
        evidence.not_in_logs[f"tag of {text}"] = tags.tag(place)
        evidence.not_in_logs[f"box of {text}"] = sealed.box[:24]
        evidence.not_in_logs[f"entry of {text}"] = sealed.entry_id
        # A row that is refused, and one that comes again.
        await filer.contribute(row_of(sealed, box=os.urandom(512)), row_of(sealed))
    asked = await reader.tags(
        *(bytes(canonicalise(Kind.PHONE, text).input_bytes) for text in QUERIED), purpose=Purpose.TRANSACTION
    )
    for place, text in enumerate(QUERIED):
        evidence.nowhere[f"tag of query {text}"] = asked.tag(place)
        evidence.nowhere[f"label key of query {text}"] = asked.label_key(place).reveal()
    for word in ("N-SECRET", "CASE-SECRET", "DESK-SECRET"):
        evidence.nowhere[word] = word.encode()
    for text in CONTRIBUTED + QUERIED:
        evidence.nowhere[text] = text.encode()
        evidence.nowhere[f"national {text}"] = text.removeprefix("+86").encode()
        evidence.nowhere.update(plain_hashes(text, Kind.PHONE))

    await beats_at(reader, 3)
    header, _ = await read_head(reader)
    await download(reader, header.bits_sha256)
    async for _ in reader.buckets.GetBuckets(bucket_pb2.GetBucketsRequest(epoch=1, prefixes=[0])):
        pass
    # Refusals of every layer leave log lines.
    with refuses(Reason.INVALID_ELEMENT):
        await reader.evaluate(bytes(32))
    with refuses(Reason.REPLAYED):
        await reader.evaluate(valid_elements(1), time=0)
    with refuses(Reason.NOT_FOUND):
        await reader.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=os.urandom(16)))
    with refuses(Reason.INVALID_REQUEST):
        await reader.channel.unary_unary("/alliance.v1.EvaluationService/Evaluate")(QUERIED[0].encode())
    async with enrolment_channel(hub) as channel:
        with refuses(Reason.TOKEN_REFUSED):
            request = enrol_request(token, SigningKey.generate()[0], certificate_request(new_tls_key()))
            await EnrolmentServiceStub(channel).Enrol(request)
    for member in (filer, reader):
        await member.close()
    return evidence


async def test_there_is_something_to_search(evidence: Evidence) -> None:
    names = {name for name, _ in evidence.files()}
    assert {"hub/hub.db", "hub/hub.toml", "hub.stderr"} <= names
    assert any(name.startswith("hub/snapshots/") for name in names)
    database = b"".join(content for name, content in evidence.files() if name.startswith("hub/hub.db"))
    # The search finds what is meant to be there.
    assert all(tag in database for tag in evidence.claim_tags)
    assert b"filer" in database


async def test_no_identifier_hash_label_token_or_key_was_written(evidence: Evidence) -> None:
    for name, content in evidence.files():
        for what, secret in evidence.nowhere.items():
            assert not any(form in content for form in forms(secret)), f"{what} is in {name}"


async def test_no_log_line_has_a_tag_a_box_or_an_entry(evidence: Evidence) -> None:
    log = evidence.log.read_bytes()
    for what, secret in (evidence.not_in_logs | evidence.nowhere).items():
        assert not any(form in log for form in forms(secret)), f"{what} is in the log"


async def test_snapshots_hold_no_tag(evidence: Evidence) -> None:
    for name, content in evidence.files():
        if "snapshots" in name:
            assert not any(tag in content for tag in evidence.claim_tags)


async def test_log_lines_have_allowed_fields_alone(evidence: Evidence) -> None:
    lines = [json.loads(line) for line in evidence.log.read_text().splitlines() if line.startswith("{")]
    assert {line["reason"] for line in lines if line.get("event") == "call refused"} >= {
        "INVALID_ELEMENT",
        "REPLAYED",
        "NOT_FOUND",
        "INVALID_REQUEST",
        "TOKEN_REFUSED",
    }
    assert set().union(*lines) <= ALLOWED_FIELDS
    others = [line for line in evidence.log.read_text().splitlines() if not line.startswith("{")]
    assert others == []


async def test_files_are_the_operators_alone(evidence: Evidence) -> None:
    for path in evidence.folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert not mode & 0o007, path
        if path.name != "hub.toml" and path.suffix != ".crt":
            assert not mode & 0o077, path


async def test_the_token_is_kept_by_its_digest(evidence: Evidence) -> None:
    database = b"".join(content for name, content in evidence.files() if name.startswith("hub/hub.db"))
    assert sha256(evidence.nowhere["token"]).digest() in database
