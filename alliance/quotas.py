"""What budgets count, by its words on the wire, and the least that may be used at once."""

from typing import Final

from alliance.crypto.oprf import MAX_BATCH
from alliance.taxonomy import Purpose

RESOURCES: Final = (
    Purpose.LOAN_APPLICATION.word,
    Purpose.ACCOUNT_OPENING.word,
    Purpose.TRANSACTION.word,
    Purpose.PORTFOLIO_SCREENING.word,
    Purpose.CONTRIBUTION.word,
    Purpose.DISPUTE.word,
    Purpose.CASE.word,
    "bucket_prefixes",
    "contribution_refunds",
    "dispute_openings",
    "protective_claims",
)
"""Each purpose's evaluations, prefixes of buckets, evaluations given back to who contributed, tries to open a dispute,
and claims that protect."""

MIN_BURST: Final = MAX_BATCH
"""Items: a burst holds the largest call."""
MAX_ITEMS: Final = 10**12
"""Nobody's budget or burst is larger."""
