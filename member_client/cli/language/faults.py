"""Errors in the reader's language: the SDK's sentence, or before an unknown one what its class means.

The SDK's exceptions speak English, since programs read them too; they are told here, at the edge, and nowhere else.
"""

from datetime import UTC, datetime

from member_client import errors
from member_client.cli.language.chinese import ERROR_CLASSES
from member_client.cli.language.speaking import retold, spoken, tr
from member_client.errors import AllianceClientError, BudgetExhausted


def told_error(error: AllianceClientError) -> str:
    """Give an error's sentence; one that nobody translated stands in brackets after what its class means."""
    told = _told(type(error), str(error))
    if isinstance(error, BudgetExhausted) and error.retry_at is not None:
        return tr("{sentence} Again from {time} on.", sentence=told, time=exact_moment(error.retry_at))
    return told


def exact_moment(milliseconds: int) -> str:
    """Give a time, UTC, to the second: rounded up, so that nobody comes back too early."""
    return datetime.fromtimestamp(-(-milliseconds // 1000), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def told_finding(what: str) -> str:
    """Give what `doctor` found; one that was an error names where, the error's class and its sentence."""
    part, _, rest = what.partition(": ")
    name, _, detail = rest.partition(": ")
    kind = getattr(errors, name, None)
    if spoken() == "en" or not (isinstance(kind, type) and issubclass(kind, AllianceClientError)):
        return retold(what)
    return tr("{part}: {sentence}", part=retold(part), sentence=_told(kind, detail))


def _told(kind: type[AllianceClientError], detail: str) -> str:
    if spoken() == "en":
        return detail
    said = retold(detail)
    meaning = next((ERROR_CLASSES[base.__name__] for base in kind.__mro__ if base.__name__ in ERROR_CLASSES), "")
    if said != detail or not meaning:
        return said
    return tr("{meaning} ({detail})", meaning=meaning, detail=detail) if detail else meaning
