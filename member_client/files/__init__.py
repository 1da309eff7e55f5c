"""Tables that people keep their lists in, read and written as streams: CSV, JSONL, Excel and Parquet."""

from member_client.files.dates import BadDate, parse_date, parse_expiry, shown_date
from member_client.files.layout import ATTRIBUTES, FIELDS, Cell, Layout, parse_map, resolve
from member_client.files.model import BadRow, Refusal, Row, RowFault, RowReason, TableInvalid, shown_name
from member_client.files.table import Table, open_table
from member_client.files.writing import RefusedFile, WriteRecord, record_file, spreadsheet_safe

__all__ = [
    "ATTRIBUTES",
    "FIELDS",
    "BadDate",
    "BadRow",
    "Cell",
    "Layout",
    "Refusal",
    "RefusedFile",
    "Row",
    "RowFault",
    "RowReason",
    "Table",
    "TableInvalid",
    "WriteRecord",
    "open_table",
    "parse_date",
    "parse_expiry",
    "parse_map",
    "record_file",
    "resolve",
    "shown_date",
    "shown_name",
    "spreadsheet_safe",
]
