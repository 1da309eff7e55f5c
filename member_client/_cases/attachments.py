"""Files of a release: sealed and uploaded as they are read, downloaded and opened as they come.

Rules:

1. A file is read in parts, sealed and sent: nothing of it is held but a few of those, and no sealed copy is written.
   Its key and id follow from this machine's secret, the case and the content, so the same file is sealed alike after a
   cut or a restart, and goes on where the hub has it durably. A file that changes meanwhile is not sent on.
2. Everything sealed is signed: its digest is known before the first part goes out.
3. What is downloaded is opened chunk by chunk. Chunks that were verified lie in a file `.part`, which gets its name
   once it is whole and has the digest that the member signed. Where anything is wrong nothing stays. A member is
   blamed for it only by bytes whose digest it signed itself.
4. All of it is fetched, the padding too: who stops at the file's end shows the hub where that is.
"""

from pathlib import Path
from typing import Final

from alliance.v1.case_pb2 import ReleasedFile
from member_client._cases.downloading import Download, check_released
from member_client._cases.moving import OnProgress
from member_client._cases.sources import Source, described, is_still
from member_client._cases.uploading import Upload
from member_client._session import Session
from member_client.errors import AttachmentMismatch, InvalidUse

_SECRET: Final = b"case-attachments"


async def prepared(session: Session, case_id: bytes, path: Path) -> ReleasedFile:
    """Say how a file will be released, before its case takes uploads: the same as `upload` says then.

    Raises InvalidUse where it cannot be read, is too large, or changes meanwhile.
    """
    secret = session.store.derived_key(_SECRET)
    with Source(path) as source:
        return await session.workers.cpu(described, source, secret, case_id)


async def upload(
    session: Session,
    case_id: bytes,
    path: Path,
    *,
    released: ReleasedFile | None = None,
    progress: OnProgress | None = None,
) -> ReleasedFile:
    """Upload a file to a case within its window, or what is missing of it; gives what the release says of it.

    `released` is what `prepared` said. Raises InvalidUse where the file cannot be read, is too large or changes
    meanwhile, AttachmentMismatch where it is not the one that was prepared, and what calls raise.
    """
    secret = session.store.derived_key(_SECRET)
    with Source(path) as source:
        if released is None:
            released = await session.workers.cpu(described, source, secret, case_id)
        elif not await session.workers.cpu(is_still, source, released):
            raise AttachmentMismatch(f"{path.name} is not the file that was released.")
        await Upload(session, case_id, source, released, progress or _nobody).run()
    return released


async def download(
    session: Session,
    case_id: bytes,
    member: str,
    released: ReleasedFile,
    target: Path,
    *,
    progress: OnProgress | None = None,
) -> None:
    """Download a file that a member released to a case of the caller's, into a place where nothing is yet.

    What an earlier run left of it is gone on with. Raises AttachmentTampered where it is not the file that was signed,
    InvalidUse where another file is in its place, StorageFull, and what calls raise.
    """
    check_released(released)
    if await session.workers.cpu(_is_there, target, released):
        return
    await Download(session, case_id, member, released, progress or _nobody).run(target)


async def is_rubbish(
    session: Session,
    case_id: bytes,
    member: str,
    released: ReleasedFile,
    *,
    progress: OnProgress | None = None,
) -> bool:
    """Tell whether its member itself uploaded another file than it released, which `download` found tampered.

    It is fetched once more, and nothing of it kept. False where it is not as the member signed that it is sealed, or
    opens by now: then the hub changed it, or the way. Raises AttachmentTampered for more bytes than were signed, and
    what calls raise.
    """
    return await Download(session, case_id, member, released, progress or _nobody).is_rubbish()


def _is_there(target: Path, released: ReleasedFile) -> bool:
    """Say whether a file lies in its place; raises InvalidUse where another one does."""
    if not target.exists():
        return False
    try:
        with Source(target) as source:
            if is_still(source, released):
                return True
    except InvalidUse:
        pass  # whatever it is, it is not this file
    raise InvalidUse(f"{target.name} exists, and is another file: nothing is overwritten")


def _nobody(_done: int, _total: int) -> None:
    """Tell nobody."""
