"""What lies where in a bundle, and what members released, as people read it.

Statements and proofs are serialised messages, as they came. `replies/MEMBER.json` says the same as the member's signed
release, derived from it byte by byte.
"""

import json
import re
from typing import Any, Final

from alliance.cases.suspects import read_leaf
from alliance.cases.words import ReleaseOutcome
from alliance.clock import MAX_TIME_MS, iso_time
from alliance.tlog.logs import LogName
from alliance.v1.case_pb2 import CaseRelease, EntryAnswer, ReleasedFile

README: Final = "README.txt"
SUMMARIES: Final = ("summary-en.pdf", "summary-zh-CN.pdf")
REQUESTS: Final = ("case/request-1.statement", "case/request-2.statement")
"""The request as each officer signed it."""
OFFICERS: Final = "case/officers/"
DECISIONS: Final = "case/decisions/"
EXTENSIONS: Final = ("case/extension-1.statement", "case/extension-2.statement")
EXTENSION_DECISIONS: Final = "case/extension-decisions/"
SUSPECTS: Final = "case/suspects/"
MEMBERS: Final = "members/"
REPLIES: Final = "replies/"
ATTACHMENTS: Final = "attachments/"
CHECKPOINTS: Final = "log/checkpoints/"
STEPS: Final = "log/steps/"
WITNESSES: Final = "log/witnesses"
STATEMENT: Final = ".statement"
FACT: Final = ".fact"
"""A FactProof: that the hub published what its statement says."""
CONTENTS: Final = ".contents"
TEXT: Final = ".json"
STEP: Final = ".step"
PROOF: Final = ".proof"
NOTE: Final = ".note"

_ENDING: Final = re.compile(r"[^/]*?(\.[A-Za-z0-9]{1,8})")
_NUMBERED: Final = re.compile("[0-9]{6}")
_MEMBER: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_PLACES: Final = {
    OFFICERS: (_MEMBER, (STATEMENT,)),
    DECISIONS: (_MEMBER, (STATEMENT,)),
    EXTENSION_DECISIONS: (_MEMBER, (STATEMENT,)),
    SUSPECTS: (_NUMBERED, (CONTENTS,)),
    MEMBERS: (_MEMBER, (STATEMENT, FACT)),
    REPLIES: (_MEMBER, (STATEMENT, CONTENTS, TEXT)),
    CHECKPOINTS: (re.compile("[1-9][0-9]{0,8}-[0-9]{4}-[0-9]{2}"), (NOTE,)),
    STEPS: (_NUMBERED, (STEP, PROOF)),
}
_SINGLE: Final = frozenset({README, *SUMMARIES, *REQUESTS, *EXTENSIONS, WITNESSES + STATEMENT, WITNESSES + FACT})


def is_kept(name: str) -> bool:
    """Tell whether a file is held in memory to be verified; of the others the digest is."""
    return not name.startswith(ATTACHMENTS) and name not in SUMMARIES


def is_known(name: str) -> bool:
    """Tell whether bundles have a file of this name."""
    folder, _, rest = name.rpartition("/")
    forms, endings = _PLACES.get(f"{folder}/", (None, ()))
    ending = next((it for it in endings if rest.endswith(it)), "")
    placed = forms is not None and ending != "" and forms.fullmatch(rest.removesuffix(ending)) is not None
    return placed or name in _SINGLE or name.startswith(ATTACHMENTS)


def numbered(folder: str, number: int, ending: str) -> str:
    """Give the name of a file that has a number."""
    return f"{folder}{number:06d}{ending}"


def checkpoint(log: str) -> str:
    """Give the name of a log's checkpoint; raises NoteInvalid."""
    name = LogName.parse(log)
    return f"{CHECKPOINTS}{name.origin}-{name.month}{NOTE}"


def attachment(member: str, file: ReleasedFile) -> str:
    """Give the name of an attachment: its id, with the ending of the name that the member gave it."""
    ending = _ENDING.fullmatch(file.name)
    return f"{ATTACHMENTS}{member}/{file.attachment_id.hex()}{ending[1] if ending else ''}"


def released_text(release: CaseRelease) -> bytes:
    """Give what a member released as JSON; raises CaseInvalid where a suspect's leaf in it cannot be read."""
    content = {
        "case": release.case_id.hex(),
        "member": release.member,
        "time": iso_time(release.time) if 0 <= release.time <= MAX_TIME_MS else str(release.time),
        "legal_basis": release.legal_basis,
        "answers": [_answer(release.member, answer) for answer in release.answers],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def _answer(member: str, answer: EntryAnswer) -> dict[str, Any]:
    suspect = read_leaf(answer.leaf) if answer.leaf else None
    return {
        "entry": answer.entry_id.hex(),
        "outcome": outcome_word(answer.outcome),
        "kind": "" if suspect is None else str(suspect.kind),
        "identifier": "" if suspect is None else suspect.canonical,
        "fields": [{"name": it.name, "value": it.value} for it in answer.fields],
        "files": [
            {"name": it.name, "size": it.size, "sha256": it.sha256.hex(), "in": attachment(member, it)}
            for it in answer.files
        ],
    }


def outcome_word(number: int) -> str:
    """Give the word of how a member answers; its number where this release knows none."""
    try:
        return ReleaseOutcome(number).word
    except ValueError:
        return str(number)
