"""What a member may release about a claim: fields by name, gathered in templates. Words are frozen.

A release names each field by its word; a word that is in no template is refused. Values are texts as the member holds
them: nobody computes with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from alliance.errors import CaseInvalid, Reason
from alliance.notices import Wording

MAX_VALUE_BYTES: Final = 16 * 1024
"""Bytes of one field's value, UTF-8; what is longer goes into a file."""
MAX_ANSWER_FIELDS: Final = 64
MAX_FILE_NAME_BYTES: Final = 128

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "identity": (
            "full_name",
            "birth_date",
            "sex",
            "nationality",
            "document_kind",
            "document_number",
            "document_valid_until",
            "registered_address",
            "home_address",
            "employer",
            "occupation",
        ),
        "contact": (
            "mobile_phone",
            "other_phone",
            "email_address",
            "postal_address",
            "emergency_contact",
            "social_account",
        ),
        "account": (
            "account_number",
            "account_kind",
            "account_opened_on",
            "account_opened_at",
            "account_status",
            "account_closed_on",
            "account_balance",
            "account_balance_on",
            "card_number",
            "linked_accounts",
        ),
        "loan": (
            "loan_number",
            "loan_product",
            "loan_applied_on",
            "loan_decision",
            "loan_granted_on",
            "loan_amount",
            "loan_outstanding",
            "loan_status",
            "loan_purpose",
            "loan_paid_to",
            "loan_guarantor",
        ),
        "transactions": (
            "transactions_from",
            "transactions_to",
            "transactions_count",
            "money_in",
            "money_out",
            "currency",
            "counterparties",
            "transactions_list",
        ),
        "device": (
            "device_model",
            "device_identifiers",
            "device_first_seen",
            "device_last_seen",
            "ip_addresses",
            "login_times",
            "location",
        ),
        "narrative": (
            "what_happened",
            "how_it_was_found",
            "what_was_done",
            "own_reference",
            "handled_by",
        ),
    }
)
"""Words of the fields, by template, in the order in which they are shown."""

TEMPLATE_WORDINGS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "identity": Wording("身份信息", "identity"),
        "contact": Wording("联系方式", "contact"),
        "account": Wording("账户", "account"),
        "loan": Wording("贷款", "loan"),
        "transactions": Wording("交易", "transactions"),
        "device": Wording("设备与登录", "device and logins"),
        "narrative": Wording("情况说明", "narrative"),
    }
)

FIELD_WORDINGS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "full_name": Wording("姓名", "full name"),
        "birth_date": Wording("出生日期", "date of birth"),
        "sex": Wording("性别", "sex"),
        "nationality": Wording("国籍", "nationality"),
        "document_kind": Wording("证件种类", "kind of identity document"),
        "document_number": Wording("证件号码", "number of the document"),
        "document_valid_until": Wording("证件有效期至", "document valid until"),
        "registered_address": Wording("户籍地址", "registered address"),
        "home_address": Wording("居住地址", "home address"),
        "employer": Wording("工作单位", "employer"),
        "occupation": Wording("职业", "occupation"),
        "mobile_phone": Wording("手机号码", "mobile telephone"),
        "other_phone": Wording("其他电话", "other telephone"),
        "email_address": Wording("电子邮箱", "e-mail address"),
        "postal_address": Wording("通讯地址", "postal address"),
        "emergency_contact": Wording("紧急联系人", "emergency contact"),
        "social_account": Wording("社交平台账号", "account on a social platform"),
        "account_number": Wording("账号", "account number"),
        "account_kind": Wording("账户种类", "kind of account"),
        "account_opened_on": Wording("开户日期", "account opened on"),
        "account_opened_at": Wording("开户网点或渠道", "account opened at"),
        "account_status": Wording("账户状态", "state of the account"),
        "account_closed_on": Wording("销户日期", "account closed on"),
        "account_balance": Wording("账户余额", "balance of the account"),
        "account_balance_on": Wording("余额日期", "balance as of"),
        "card_number": Wording("卡号", "card number"),
        "linked_accounts": Wording("关联账户", "linked accounts"),
        "loan_number": Wording("贷款编号", "loan number"),
        "loan_product": Wording("贷款产品", "loan product"),
        "loan_applied_on": Wording("申请日期", "loan applied for on"),
        "loan_decision": Wording("审批结果", "decision about the loan"),
        "loan_granted_on": Wording("放款日期", "loan granted on"),
        "loan_amount": Wording("贷款金额", "amount of the loan"),
        "loan_outstanding": Wording("未还金额", "loan outstanding"),
        "loan_status": Wording("贷款状态", "state of the loan"),
        "loan_purpose": Wording("申报用途", "stated purpose of the loan"),
        "loan_paid_to": Wording("收款账户", "loan paid to"),
        "loan_guarantor": Wording("担保人", "guarantor of the loan"),
        "transactions_from": Wording("交易起始日期", "transactions from"),
        "transactions_to": Wording("交易截止日期", "transactions to"),
        "transactions_count": Wording("交易笔数", "number of transactions"),
        "money_in": Wording("转入总额", "money in"),
        "money_out": Wording("转出总额", "money out"),
        "currency": Wording("币种", "currency"),
        "counterparties": Wording("交易对手", "counterparties"),
        "transactions_list": Wording("交易明细", "list of transactions"),
        "device_model": Wording("设备型号", "model of the device"),
        "device_identifiers": Wording("设备标识", "identifiers of the device"),
        "device_first_seen": Wording("首次使用时间", "device first seen"),
        "device_last_seen": Wording("最近使用时间", "device last seen"),
        "ip_addresses": Wording("网络地址", "internet addresses"),
        "login_times": Wording("登录时间", "times of logins"),
        "location": Wording("登录地点", "places of logins"),
        "what_happened": Wording("事情经过", "what happened"),
        "how_it_was_found": Wording("发现经过", "how it was found"),
        "what_was_done": Wording("已采取的措施", "what was done about it"),
        "own_reference": Wording("本机构编号", "own reference"),
        "handled_by": Wording("经办部门", "department that handled it"),
    }
)
"""How each field reads, in Chinese and English."""


def fields_of(template: str) -> tuple[str, ...]:
    """Give the fields of a template; raises CaseInvalid where there is none of this name."""
    try:
        return TEMPLATES[template]
    except KeyError:
        raise CaseInvalid(Reason.INVALID_REQUEST, f"a template is one of {', '.join(TEMPLATES)}") from None


def check_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Check names and values of what is released about one claim; raises CaseInvalid, which repeats no value."""
    given: Sequence[tuple[str, str]] = list(fields)
    names = [name for name, _ in given]
    faults = {
        "a field that is released is in no template": not FIELD_WORDINGS.keys() >= set(names),
        "a field is released once": len(set(names)) < len(names),
        "more fields than a claim's answer holds": len(names) > MAX_ANSWER_FIELDS,
        "a field that is released has a value": any(not value.strip() for _, value in given),
        "a value is longer than 16 KiB: attach it as a file": any(
            len(value.encode()) > MAX_VALUE_BYTES for _, value in given
        ),
    }
    if fault := next((what for what, holds in faults.items() if holds), ""):
        raise CaseInvalid(Reason.INVALID_REQUEST, fault)


def is_file_name(name: str) -> bool:
    """Tell whether a released file may be called so: 1 to 128 bytes, no folder, nothing that does not print."""
    is_plain = name.isprintable() and not set(name) & set("/\\:") and name.strip(" .") != ""
    return is_plain and 0 < len(name.encode()) <= MAX_FILE_NAME_BYTES
