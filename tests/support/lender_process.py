"""A lender in a process of its own, so that it can be killed: it says each result the moment it has it.

    python -m support.lender_process JOB

JOB is a JSON file, a `Job`. A line of output is a row's number, a blank, and what became of it as JSON. It ends with
the exit code that the command line would give, and names the exception on standard error.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self
from unittest import mock

from grpc.aio import AioRpcError

from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole
from member_client import AllianceClient, ContributionResult, ContributionRow, Profile, Subject, Verdict
from member_client import contributing as contribution_flow
from member_client import screening as screening_flow
from member_client.errors import AllianceClientError
from support.forked import ForkedWithPipes, environment, forked
from support.sdk import BASIS, PORTFOLIO

CATEGORIES = (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD, Category.PHISHING)
REPEATS_EVERY, NONSENSE_EVERY = 70, 50


@dataclass(frozen=True)
class Job:
    """What a lender is to do: rows by number, in batches of so many; all of `claim_row` is a function of these."""

    kind: str
    profile: str
    numbers: Sequence[int]
    batch: int
    ends_at: int = 0

    def save(self, path: Path) -> Path:
        path.write_text(json.dumps(asdict(self) | {"numbers": list(self.numbers)}))
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text()))


def named_by(number: int) -> int:
    """The number whose identifier a row names: most their own, some that of an earlier row."""
    return number - REPEATS_EVERY + 1 if number % REPEATS_EVERY == REPEATS_EVERY - 1 else number


def text_of(number: int) -> str:
    """A valid number that is nobody's in particular, or nonsense."""
    named = named_by(number)
    return "nonsense" if named % NONSENSE_EVERY == NONSENSE_EVERY - 1 else f"+8613123{named:06d}"


def claim_row(number: int, ends_at: int) -> ContributionRow:
    """The row of a number: the same whenever and by whomever it is drawn up."""
    return ContributionRow(
        kind=Kind.PHONE,
        text=text_of(number),
        category=CATEGORIES[named_by(number) % len(CATEGORIES)],
        role=SubjectRole.PERPETRATOR,
        evidence=EvidenceLevel.E1,
        observed_to=ends_at - 70 * DAY_MS,
        expires_at=ends_at,
        row_number=number,
    )


def subject(number: int) -> Subject:
    return Subject(str(number), phone=text_of(number))


def said_of_row(result: ContributionResult) -> dict[str, Any]:
    return {"outcome": str(result.outcome), "entry": result.entry_id.hex(), "reason": result.reason}


def said_of_verdict(verdict: Verdict) -> dict[str, Any]:
    """All that a caller may act on."""
    return {
        "state": verdict.state.value,
        "action": verdict.action.word,
        "final": verdict.is_final,
        "fields": [[field.field, field.state.value, field.reason] for field in verdict.fields],
        "matches": sorted(
            [it.contributor, it.category.word, it.evidence.name, it.status.word, it.entry_id.hex(), it.expires_at]
            for it in verdict.matches
        ),
    }


async def results(client: AllianceClient, job: Job) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Do a job, and give what became of each row."""
    if job.kind == "contribute":
        rows = (claim_row(number, job.ends_at) for number in job.numbers)
        async for result in client.contribute(rows):
            yield result.row_number, said_of_row(result)
        return
    async for verdict in client.screen_many(map(subject, job.numbers), purpose=PORTFOLIO, consent=BASIS):
        yield int(verdict.ref), said_of_verdict(verdict)


async def _done(job: Job, say: Callable[[str], Any]) -> None:
    async with AllianceClient(Profile.load(Path(job.profile))) as client:
        async for number, said in results(client, job):
            say(f"{number} {json.dumps(said)}\n")


def main() -> int:
    job = Job.load(Path(sys.argv[1]))
    smaller_batches = partial(screening_flow.batches, size=job.batch)
    with (
        mock.patch.object(contribution_flow, "MAX_ROWS", job.batch),
        mock.patch.object(screening_flow, "batches", smaller_batches),
        os.fdopen(1, "w", buffering=1) as out,
    ):
        try:
            asyncio.run(_done(job, out.write))
        except AllianceClientError as error:
            cause = error.__cause__
            wire = f" ({cause.code().name}: {cause.details()})" if isinstance(cause, AioRpcError) else ""
            sys.stderr.write(f"{type(error).__name__}: {error}{wire}\n")
            return error.exit_code
    return 0


async def member_client(arguments: Sequence[str], folder: Path) -> ForkedWithPipes:
    """Run the member's command line in a folder."""
    return await forked("member_client", arguments, folder=folder, environment=environment())


class LenderProcess:
    """A run of a lender: what it said so far, and how it ended."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.said: dict[int, dict[str, Any]] = {}
        self._job = job.save(folder / f"{job.kind}.job.json")
        self._process: ForkedWithPipes | None = None
        self._reading: asyncio.Task[None] | None = None
        self._more = asyncio.Condition()
        self._ended = False

    async def start(self) -> None:
        asked = "support.lender_process", [str(self._job)]
        self._process = await forked(*asked, environment=environment(), takes_errors=False)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        async for line in self._process.stdout:
            if line.endswith(b"\n"):  # the last one may have been cut
                number, _, said = line.decode().partition(" ")
                async with self._more:
                    self.said[int(number)] = json.loads(said)
                    self._more.notify_all()
        async with self._more:
            self._ended = True
            self._more.notify_all()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is true of what it said, or it ended."""
        async with self._more:
            await self._more.wait_for(lambda: self._ended or reached())

    @property
    def runs(self) -> bool:
        return not self._ended

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()

    async def ended(self) -> int:
        """Wait for its end, and for all that it said; gives its exit code."""
        assert self._process is not None
        assert self._reading is not None
        code = await self._process.wait()
        await self._reading
        return code


if __name__ == "__main__":
    sys.exit(main())
