"""Libraries that the base install does not bring: imported when the first file needs them, and named where missing."""

from __future__ import annotations

from typing import Any, Final

from member_client.files.model import TableInvalid

_NO_FRAMES: Final = (
    "Parquet files and data frames need an extra that is not installed: pip install 'alliance-hub[frames]'"
)
_NO_EXCEL: Final = "Excel workbooks need an extra that is not installed: pip install 'alliance-hub[excel]'"


class ExtraMissing(TableInvalid):
    """A format needs an extra that is not installed."""


def pyarrow() -> Any:  # noqa: ANN401 - it comes without types
    """Give pyarrow, its Parquet part loaded; raises ExtraMissing."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError:
        raise ExtraMissing(_NO_FRAMES) from None
    return arrow


def openpyxl() -> Any:  # noqa: ANN401 - asked for two names, whose types are given where they are used
    """Give openpyxl; raises ExtraMissing."""
    try:
        import openpyxl as library
    except ImportError:
        raise ExtraMissing(_NO_EXCEL) from None
    return library
