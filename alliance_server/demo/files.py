"""The made-up world as files: each lender exports in its own way, as lenders do.

The first one writes UTF-8 CSV, the second one GB18030 CSV with a Chinese remark, the third one JSON lines; the
customers are a CSV with a byte order mark and several identifiers a row.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from alliance_server.demo.made_up import CUSTOMER_FIELDS, LENDERS, Claim, Customer, World

CUSTOMER_COLUMNS = dict(zip(CUSTOMER_FIELDS, ("mobile", "id_no", "card_no", "oaid", "imei"), strict=True))
REF_COLUMN = "customer_no"
CUSTOMERS_FILE = "customers.csv"
_EVIDENCE_FILE = "evidence.txt"
_CLAIM_COLUMNS = ("kind", "identifier", "category", "role", "evidence", "evidence_file")


def write_world(world: World, folders: dict[str, Path]) -> dict[str, Path]:
    """Write every lender's list, and the third one's customers; returns the lists' paths."""
    first, second, third = LENDERS
    lists = {
        first: folders[first] / "list.csv",
        second: folders[second] / "list.csv",
        third: folders[third] / "list.jsonl",
    }
    for folder in folders.values():
        (folder / _EVIDENCE_FILE).write_text("Case file of the fraud desk, made up for the demo.\n", "utf-8")
    rows = [_claim_row(claim) for claim in world.claims[first]]
    lists[first].write_text(_csv(_CLAIM_COLUMNS, rows), "utf-8")
    remarked = [[*_claim_row(claim), "反欺诈名单"] for claim in world.claims[second]]
    lists[second].write_text(_csv((*_CLAIM_COLUMNS, "备注"), remarked), "gb18030")
    lists[third].write_text(_jsonl(world.claims[third]), "utf-8")
    (folders[third] / CUSTOMERS_FILE).write_text(_customers(world.customers), "utf-8-sig")
    return lists


def _claim_row(claim: Claim) -> list[str]:
    evidence_file = _EVIDENCE_FILE if claim.evidence != "E1" else ""
    return [claim.subject.field, claim.subject.typed, claim.category, claim.role, claim.evidence, evidence_file]


def _jsonl(claims: Sequence[Claim]) -> str:
    rows = (dict(zip(_CLAIM_COLUMNS, _claim_row(claim), strict=True)) for claim in claims)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _customers(customers: Sequence[Customer]) -> str:
    columns = (REF_COLUMN, *CUSTOMER_COLUMNS.values())
    return _csv(columns, ([customer.ref, *_cells(customer)] for customer in customers))


def _cells(customer: Customer) -> list[str]:
    found = (customer.fields.get(name) for name in CUSTOMER_FIELDS)
    return [one.typed if one else "" for one in found]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
