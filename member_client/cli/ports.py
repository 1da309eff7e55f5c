"""The real ways out of the command line: the SDK."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from member_client import AllianceClient, Profile
from member_client import enrol as enrol_member
from member_client import fingerprint as fingerprint_of
from member_client import identity_key as identity_key_of
from member_client.cli.session import Ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def open_client(folder: Path) -> AsyncIterator[AllianceClient]:
    """Open the SDK on the profile in a folder; raises NotEnrolled where there is none."""
    async with AllianceClient(Profile.load(folder)) as client:
        yield client


async def enrol(bundle: Path, folder: Path) -> Profile:
    """Enrol with a bundle into a folder."""
    return await enrol_member(bundle, folder)


def fingerprint(folder: Path) -> str:
    """Give the words of the key in a folder's profile; raises NotEnrolled where there is none."""
    return fingerprint_of(Profile.load(folder))


def identity_key(folder: Path) -> bytes:
    """Give the public key in a folder's profile; raises NotEnrolled where there is none."""
    return identity_key_of(Profile.load(folder))


def real_ports() -> Ports:
    """Give the ports of a real run."""
    return Ports(open_client=open_client, enrol=enrol, fingerprint=fingerprint, identity_key=identity_key)
