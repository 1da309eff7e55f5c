"""The Chinese catalogue: simplified, in the words of the financial industry, by where a text comes from.

The words that return everywhere: hub 联盟中心 · member 成员（机构） · claim 报送记录 · listing 在册标识 ·
identifier 标识 · tag 标签 · epoch 密钥周期 · filter 过滤器 · bucket 分桶 · match 命中 · verdict 核验结果 ·
purpose 用途 · consent 同意 · enrol 入盟 · profile 身份目录 · bundle 入盟包 · screen 筛查 · check 核查 ·
contribute 报送 · refused 未受理.

A test finds what is missing or stale: `tests/unit/member_client/test_cli_language_catalogue.py`.
"""

from typing import Final

from member_client.cli.language.chinese.administration import ADMIN_COMMANDS, ADMIN_OPTIONS, ADMIN_SPOKEN, ADMIN_WORDS
from member_client.cli.language.chinese.auditing import AUDIT_HELP, AUDIT_SPOKEN, AUDIT_WORDS
from member_client.cli.language.chinese.book import BOOK_HELP, BOOK_SPOKEN, BOOK_WORDS
from member_client.cli.language.chinese.case_bundles import BUNDLE_HELP, BUNDLE_SPOKEN, BUNDLE_WORDS
from member_client.cli.language.chinese.cases import CASE_CLASSES, CASE_HELP, CASE_SPOKEN, CASE_WORDS
from member_client.cli.language.chinese.countersigning import (
    COUNTERSIGN_CLASSES,
    COUNTERSIGN_HELP,
    COUNTERSIGN_SPOKEN,
    COUNTERSIGN_WORDS,
)
from member_client.cli.language.chinese.disputes import DISPUTE_CLASSES, DISPUTE_HELP, DISPUTE_SPOKEN, DISPUTE_WORDS
from member_client.cli.language.chinese.errors import ADVICE, CLASSES, FINDINGS
from member_client.cli.language.chinese.faults import FAULTS, HEADINGS
from member_client.cli.language.chinese.filing import FILING_HELP, FILING_SPOKEN, FILING_WORDS
from member_client.cli.language.chinese.help_texts import COMMANDS, OPTIONS
from member_client.cli.language.chinese.inquiries import INQUIRY_HELP, INQUIRY_SPOKEN, INQUIRY_WORDS
from member_client.cli.language.chinese.inviting import INVITE_HELP, INVITE_SPOKEN, INVITE_WORDS
from member_client.cli.language.chinese.outcomes import OUTCOME_HELP, OUTCOME_SPOKEN, OUTCOME_WORDS
from member_client.cli.language.chinese.reasons import REASONS
from member_client.cli.language.chinese.results import RESULTS, TABLE_WORDS
from member_client.cli.language.chinese.revisiting import (
    ACCESS_HELP,
    ACCESS_SPOKEN,
    ACCESS_WORDS,
    REVISIT_HELP,
    REVISIT_SPOKEN,
    REVISIT_WORDS,
)
from member_client.cli.language.chinese.rows import FILES, ROWS
from member_client.cli.language.chinese.sentences import SENTENCES
from member_client.cli.language.chinese.watching import WATCH_HELP, WATCH_SPOKEN, WATCH_WORDS
from member_client.cli.language.chinese.witnessing import (
    WITNESS_CLASSES,
    WITNESS_HELP,
    WITNESS_SPOKEN,
    WITNESS_WORDS,
)

SPOKEN: Final = {
    **RESULTS,
    **FAULTS,
    **HEADINGS,
    **ADMIN_SPOKEN,
    **INVITE_SPOKEN,
    **WATCH_SPOKEN,
    **REVISIT_SPOKEN,
    **AUDIT_SPOKEN,
    **FILING_SPOKEN,
    **BOOK_SPOKEN,
    **OUTCOME_SPOKEN,
    **DISPUTE_SPOKEN,
    **CASE_SPOKEN,
    **COUNTERSIGN_SPOKEN,
    **BUNDLE_SPOKEN,
    **INQUIRY_SPOKEN,
    **ACCESS_SPOKEN,
    **WITNESS_SPOKEN,
}
"""What `tr` says."""

HELP: Final = {
    **COMMANDS,
    **OPTIONS,
    **ADMIN_COMMANDS,
    **ADMIN_OPTIONS,
    **INVITE_HELP,
    **WATCH_HELP,
    **REVISIT_HELP,
    **AUDIT_HELP,
    **FILING_HELP,
    **BOOK_HELP,
    **OUTCOME_HELP,
    **DISPUTE_HELP,
    **CASE_HELP,
    **COUNTERSIGN_HELP,
    **BUNDLE_HELP,
    **INQUIRY_HELP,
    **ACCESS_HELP,
    **WITNESS_HELP,
}
"""What help says."""

RETOLD: Final = {
    **ADMIN_WORDS,
    **INVITE_WORDS,
    **WATCH_WORDS,
    **REVISIT_WORDS,
    **AUDIT_WORDS,
    **DISPUTE_WORDS,
    **CASE_WORDS,
    **COUNTERSIGN_WORDS,
    **BUNDLE_WORDS,
    **INQUIRY_WORDS,
    **FILING_WORDS,
    **BOOK_WORDS,
    **OUTCOME_WORDS,
    **ACCESS_WORDS,
    **WITNESS_WORDS,
    **TABLE_WORDS,
    **ROWS,
    **FILES,
    **SENTENCES,
    **ADVICE,
    **FINDINGS,
}
"""What was worded in English elsewhere."""

ERROR_CLASSES: Final = {**CLASSES, **DISPUTE_CLASSES, **CASE_CLASSES, **COUNTERSIGN_CLASSES, **WITNESS_CLASSES}
"""Name of an error's class → what it means."""

__all__ = ["ERROR_CLASSES", "HELP", "REASONS", "RETOLD", "SPOKEN"]
