"""The languages of the command line: English in the sources, Chinese from one catalogue.

- `tr("accepted {accepted:,}", accepted=5)` says something that a command words itself. The English text is the key.
- `retold(text)` says again what was worded elsewhere: by the SDK, by the readers of files, by the core. A text that
  nobody translated comes back as it is, so that nothing is ever silent.
- `word(Category, "mule_account")` gives a word of the taxonomy as people read it.
- `read_word(Category, text)` reads one as people type it, in either language.

What is chosen holds for one run, threads included. Files, `--json` and options keep the machine's words; only
`message` and `how_to_fix` are in the reader's language there.
"""

from alliance.notices import CHINESE, ENGLISH, LANGUAGES, Language
from member_client.cli.language.breaking import ChineseText, folded
from member_client.cli.language.choosing import LANGUAGE_VARIABLE, chosen, read_language
from member_client.cli.language.faults import exact_moment, told_error, told_finding
from member_client.cli.language.help_texts import localise, translated_help
from member_client.cli.language.speaking import label, retold, speaking, spoken, told_reason, told_reasons, tr, word
from member_client.cli.language.words import listed, read_word

__all__ = [
    "CHINESE",
    "ENGLISH",
    "LANGUAGES",
    "LANGUAGE_VARIABLE",
    "ChineseText",
    "Language",
    "chosen",
    "exact_moment",
    "folded",
    "label",
    "listed",
    "localise",
    "read_language",
    "read_word",
    "retold",
    "speaking",
    "spoken",
    "told_error",
    "told_finding",
    "told_reason",
    "told_reasons",
    "tr",
    "translated_help",
    "word",
]
