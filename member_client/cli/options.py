"""Options that several commands take, and the long ones: named here, so that a command's signature can be read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from alliance.taxonomy import Category, SubjectRole, Word
from member_client.cli.completing import (
    complete_category,
    complete_evidence,
    complete_fail_on,
    complete_purpose,
    complete_role,
)
from member_client.cli.endings import FAIL_ON_HELP
from member_client.cli.purposes import CONSENT_HELP, PURPOSE_HELP


def _words(words: Iterable[Word]) -> str:
    return ", ".join(word.word for word in words)


# -- shared ----------------------------------------------------------------------------------------------------------

FileArgument = Annotated[
    Path,
    typer.Argument(
        help="CSV (UTF-8, GB18030), JSONL, Excel (of several sheets: FILE#SHEET) or Parquet.", metavar="FILE"
    ),
]
PurposeOption = Annotated[str, typer.Option(help=PURPOSE_HELP, metavar="P", autocompletion=complete_purpose)]
ConsentOption = Annotated[str | None, typer.Option(help=CONSENT_HELP, metavar="REF")]
FailOnOption = Annotated[
    list[str] | None, typer.Option(help=FAIL_ON_HELP, metavar="STATE", autocompletion=complete_fail_on)
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="Which column holds what; once for each field.", metavar="FIELD=COLUMN"),
]
RefOption = Annotated[
    str, typer.Option(help="Column with your own reference; else the row's number.", metavar="COLUMN")
]
RefusedOption = Annotated[
    Path | None,
    typer.Option(help="Where refused rows go; else beside FILE, as .refused.csv.", metavar="FILE"),
]

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would become of FILE, and send nothing.")]
RunIdOption = Annotated[
    str | None,
    typer.Option(help="Name the run yourself: it begins, or goes on where it stopped, after a kill too.", metavar="ID"),
]
ResumeOption = Annotated[
    str | None, typer.Option(help="Go on with the run that printed this id; same FILE, same options.", metavar="ID")
]

# -- screen ----------------------------------------------------------------------------------------------------------

ConsentColumnOption = Annotated[str, typer.Option(help="Column with each row's consent reference.", metavar="COLUMN")]
OutOption = Annotated[
    Path | None, typer.Option(help="Write all verdicts here: .csv, .jsonl or .parquet.", metavar="FILE")
]
ShowOption = Annotated[int, typer.Option(help="Matches to show.", min=0)]

# -- contribute ------------------------------------------------------------------------------------------------------

CategoryOption = Annotated[
    str | None,
    typer.Option(
        help=f"Where the row does not say it: {_words(Category)}.", metavar="WORD", autocompletion=complete_category
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        help=f"Where the row does not say it: {_words(SubjectRole)}.", metavar="WORD", autocompletion=complete_role
    ),
]
EvidenceOption = Annotated[
    str,
    typer.Option(
        help="E1 suspicion, E2 documented, E3 reviewed by two; E4, E5 are countersigned.",
        metavar="LEVEL",
        autocompletion=complete_evidence,
    ),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(
        help="2027-01-31 (ends as that day begins, UTC), or 90d from today on; else as long as may be.",
        metavar="DATE",
    ),
]
RelistOption = Annotated[
    bool, typer.Option("--relist", help="List anew what you withdrew; else such rows are refused.")
]
AmendOption = Annotated[
    bool, typer.Option("--amend", help="Replace claims of yours that say something else than their row.")
]
EvidenceFileOption = Annotated[
    Path | None, typer.Option(help="Document behind the whole list; it stays here.", metavar="FILE")
]

# -- claims amend ----------------------------------------------------------------------------------------------------

AmendedRoleOption = Annotated[
    str | None,
    typer.Option(help=f"Another role: {_words(SubjectRole)}.", metavar="WORD", autocompletion=complete_role),
]
AmendedEvidenceOption = Annotated[
    str | None,
    typer.Option(help="Another level of evidence, E1 to E5.", metavar="LEVEL", autocompletion=complete_evidence),
]
AmendedEvidenceFileOption = Annotated[
    Path | None,
    typer.Option(help="Document behind the claim, needed again above E1; it stays here.", metavar="FILE"),
]
