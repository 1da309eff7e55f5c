"""Every command in Chinese: no English sentence is left over, and what stands in columns stands under its heading."""

import codecs
import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import AWAY, CHANGED, CLEAN, DOUBTED, LISTED, WORDS, Cli, FakeClient, an_own_claim, assert_no_identifier
from rich.cells import cell_len
from rich.console import Console
from typer import testing
from typer.main import get_command

from alliance.notices import wording
from alliance.taxonomy import Category, SubjectRole
from member_client import BudgetExhausted, Finding, HubUnavailable, Level, NotEnrolled, ProofRejected
from member_client.cli import group
from member_client.cli.language import folded, localise
from member_client.cli.language.speaking import spoken
from member_client.cli.session import Session

WHY = ("--purpose", "portfolio_screening", "--consent", "b")
ENGLISH = re.compile(r"(?<![\w/.-])[A-Za-z][a-z]+(?: [a-z]{2,})+(?![\w/.=-])")
COMMAND = re.compile(r"member-client(?: claims)?(?: [a-z]+)?")
COMMANDS = ("member-client", "claims show", "--")
RENEWS = "In use it renews itself at two thirds of its life. Now: member-client renew"
CHECK = ("check", "phone", LISTED, *WHY)


def zh(cli: Cli, *arguments: str | Path, **extra: Any) -> Any:
    return cli(*arguments, "--lang", "zh-CN", **extra)


def english_in(output: str) -> list[str]:
    """Find sentences of English; commands to type and types in angle brackets are none."""
    lines = [re.sub(r"<[^>]*>|claims show ENTRY|`[^`]*`|[^ ：]*/[^ ]*", "", line) for line in output.splitlines()]
    prose = [line for line in lines if not line.strip(" │").startswith(COMMANDS) or "│" in line]
    return [found[0] for line in prose for found in ENGLISH.finditer(COMMAND.sub("", line))]


@pytest.fixture(scope="module", autouse=True)
def translated_once() -> Iterator[None]:
    """Build the commands and put them into Chinese once; nobody here asks for help in English."""
    translate = cache(localise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", cache(get_command))
        patch.setattr(group, "localise", lambda command: None if spoken() == "en" else translate(command))
        yield


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    rows = [f"张三,{LISTED},a@example.com", f"C-2,{CLEAN},bad", "C-3,1.38E+10,", f"C-4,{AWAY},", f"C-5,{DOUBTED},"]
    path.write_text("\n".join(("no,mobile,mail", *rows, f"C-6,{CLEAN}")) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        "",
        "enrol",
        "sync",
        "check",
        "screen",
        "contribute",
        "claims",
        "claims list",
        "claims find",
        "claims show",
        "claims withdraw",
        "claims amend",
        "doctor",
    ],
)
@pytest.mark.parametrize("columns", ["70", "100"])
def test_help_is_chinese(command: str, columns: str) -> None:
    result = zh(Cli(), *command.split(), "--help", env={"COLUMNS": columns})
    assert result.exit_code == 0
    assert english_in(result.stdout) == []
    for word in ("用法：", "选项", "显示本帮助并退出", f"member-client {command}".strip()):
        assert word in result.stdout
    for word in ("Usage", "OPTIONS", "Options", "Arguments", "Commands", "required", "default:", "…"):
        assert word not in result.stdout.replace("命令 [参数]...", "")
    assert all(cell_len(line) <= int(columns) for line in result.stdout.splitlines())


def test_a_screening_is_told_in_chinese(customers: Path) -> None:
    arguments = ("screen", customers, "--map", "phone=mobile", "--map", "email=mail", "--ref", "no", *WHY)
    result = zh(Cli(), *arguments)
    assert result.exit_code == 7
    assert english_in(result.output) == []
    lines = result.stdout.splitlines()
    assert lines[0] == "customers.csv · 6 行 · 存量客户筛查 · 密钥周期 7 · 过滤器更新于 42 秒前"
    assert lines[1].split() == ["行", "编号", "字段", "类别", "角色", "证据", "来源", "有效期至", "状态", "至多可采取"]
    assert lines[2].split() == [
        *("1", "张三", "phone", "涉诈资金中转账户", "资金中转人（不知情）", "E3", "2", "家成员机构"),
        *("2029-02-28", "有效", "加强核验"),
    ]
    assert "命中 1 · 未命中 0 · 未知 1 · 待确认 1 · 未受理 3 → " in result.stdout
    assert "0 个标识" in result.stdout
    assert_no_identifier(result.output)


def test_advice_in_refused_files_is_chinese_and_reasons_are_machine_words(customers: Path) -> None:
    zh(Cli(), "screen", customers, "--map", "phone=mobile", "--map", "email=mail", *WHY)
    with customers.with_name("customers.refused.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["row", "ref", "column", "reason", "how_to_fix"]
    assert {row[3] for row in rows} == {"malformed", "spreadsheet_damaged", "too_few_cells"}
    assert [english_in(row[4]) for row in rows] == [[], [], []]
    assert not any(row[4].isascii() for row in rows)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_files_for_a_chinese_spreadsheet_start_with_a_byte_order_mark(customers: Path, language: str) -> None:
    out = customers.with_name("out.csv")
    wide = ("--map", "phone=mobile", "--map", "email=mail", "--ref", "no")
    for more in (("--out", out), ("--dry-run",)):
        Cli()("screen", customers, *wide, *WHY, *more, "--lang", language)
        for path in (out, customers.with_name("customers.refused.csv")):
            assert path.read_bytes().startswith(codecs.BOM_UTF8) == (language == "zh-CN")


def test_a_contribution_is_told_in_chinese(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = (
        f"phone,{LISTED},mule_account,",
        f"phone,{CLEAN},debt,",
        "phone,1,phishing,",
        f"phone,{CLEAN},phishing,soon",
    )
    path.write_text("\n".join(("kind,identifier,category,expires", *lines)) + "\n", "utf-8")
    result = zh(Cli(), "contribute", path, "--role", "perpetrator", "--expires", "90d")
    assert result.exit_code == 4
    assert english_in(result.output) == []
    assert "list.csv · 4 行 · 信息报送 · 有效期至 2026-12-20" in result.stdout
    assert "已接收 1 · 无变化 0 · 未受理 3" in result.stdout
    assert "未受理原因：取值不可用 1" in result.stdout
    refused = (tmp_path / "list.refused.csv").read_text("utf-8-sig")
    assert english_in(refused.split("\n", 1)[1]) == []


def test_dry_runs_are_told_in_chinese(customers: Path) -> None:
    wide = ("--map", "phone=mobile", "--map", "email=mail", "--ref", "no", "--dry-run")
    result = zh(Cli(), "screen", customers, *wide, *WHY)
    assert english_in(result.output) == []
    refused = customers.with_name("customers.refused.csv")
    assert result.stdout.splitlines() == [
        "customers.csv · 6 行 · 试运行",
        "将查询 5 个标识：email 1, phone 4",
        f"未受理 3 → {refused}",
        "未发送任何数据",
    ]
    customers.write_text(f"no,mobile,mail\nC-1,{CHANGED},\n", "utf-8")
    result = zh(Cli(), "contribute", customers, *wide, "--category", "phishing", "--role", "perpetrator")
    assert english_in(result.output) == []
    assert "新增 0 · 无变化 0 · 有变化 1 · 未受理 1\n有变化的行不予受理，除非用 --amend 取代" in result.stdout


@pytest.mark.parametrize("fault", [HubUnavailable("The hub cannot be reached."), KeyboardInterrupt()])
def test_how_a_run_goes_on_is_told_in_chinese(customers: Path, fault: BaseException) -> None:
    for arguments in (
        ("screen", customers, "--map", "phone=mobile", *WHY),
        ("contribute", customers, "--map", "phone=mobile", "--category", "phishing", "--role", "perpetrator"),
    ):
        result = zh(Cli(FakeClient(fault=fault)), *arguments)
        assert english_in(result.stderr) == []
        assert "从中止处继续：请" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("value", "state"),
    [(LISTED, "命中"), (CLEAN, "未命中"), (AWAY, "未知"), (DOUBTED, "待确认"), ("1", "未受理")],
)
def test_a_check_is_told_in_chinese(value: str, state: str) -> None:
    result = zh(Cli(), "check", "phone", value, *WHY, "--repeat", "1")
    assert english_in(result.output) == []
    assert f"{state} · 至多可采取：" in result.stdout
    assert_no_identifier(result.output)


def test_claims_are_shown_with_chinese_words() -> None:
    cli = Cli(FakeClient(own=[an_own_claim(1), an_own_claim(2)]))
    for arguments in (("claims", "list", "--limit", "1"), ("claims", "show", "00" * 15 + "01")):
        result = zh(cli, *arguments)
        assert english_in(result.output) == []
        for word in (Category.MULE_ACCOUNT, SubjectRole.MULE_UNWITTING):
            assert wording(word).label("zh-CN") in result.stdout
            assert word.word not in result.stdout


def test_enrolment_and_synchronisation_are_told_in_chinese(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text("{}")
    for arguments in (("enrol", bundle, "--profile", tmp_path / "home"), ("sync",)):
        result = zh(Cli(), *arguments)
        assert result.exit_code == 0
        assert english_in(result.output.replace(WORDS, "")) == []  # a fingerprint is English everywhere
        assert not result.stdout.isascii()


def test_findings_are_told_in_chinese() -> None:
    findings = [
        Finding(Level.OK, "keys and store open"),
        Finding(Level.WARNING, "the certificate ends in 9 days", RENEWS),
        Finding(Level.ERROR, "the hub: HubUnavailable: The hub cannot be reached.", HubUnavailable.how_to_fix),
        Finding(Level.ERROR, "the filter: FilterTampered: something new", "chmod go-w /x"),
    ]
    result = zh(Cli(FakeClient(findings=findings)), "doctor")
    assert english_in(result.stdout.replace("something new", "")) == []
    assert "过滤器：过滤器的内容与联盟中心签名时不符（something new）" in result.stdout
    lines = result.stdout.splitlines()
    assert [cell_len(line.split(" ")[0]) for line in lines if not line.startswith(" ")] == [4, 4, 4, 4]
    assert lines[1].startswith("提醒     证书")


@pytest.mark.parametrize(
    "fault",
    [
        NotEnrolled("there is no enrolled profile in /x"),
        HubUnavailable("The hub could not be asked in time."),
        BudgetExhausted("The day's budget for this purpose is spent; it renews at 00:00 UTC."),
        ProofRejected("The hub's evaluation does not verify under the epoch's key."),
        KeyboardInterrupt(),
        RuntimeError(LISTED),
    ],
)
def test_faults_are_told_in_chinese(fault: BaseException) -> None:
    result = zh(Cli(FakeClient(fault=fault)), *CHECK)
    assert english_in(result.stderr) == []
    assert not any(line.isascii() for line in result.stderr.splitlines())
    assert ("完整性告警" in result.stderr) == isinstance(fault, ProofRejected)
    assert_no_identifier(result.output)


@pytest.mark.parametrize(
    "arguments",
    [
        (LISTED,),
        ("check",),
        ("check", "phone", LISTED),
        ("check", "phone", LISTED, *WHY, LISTED),
        ("check", "phone", f"--{LISTED}", *WHY),
        ("check", LISTED, LISTED, *WHY),
        ("check", "phone", LISTED, "--purpose", LISTED),
        ("check", "phone", LISTED, "--purpose", "transaction"),
        ("check", "phone", LISTED, *WHY, "--fail-on", LISTED),
        ("check", "phone", LISTED, *WHY, "--repeat", f"x{LISTED}"),
        ("check", "phone", LISTED, "--purpose", "transaction", "--consent", "@/absent"),
        ("sync", "--prfile"),
        ("sync", "--jsn"),
        ("screen", "/absent.csv", *WHY),
        ("screen", "/absent.csv", *WHY, "--out", "/absent.csv"),
        ("screen", "x.csv", *WHY, "--consent-column", "c"),
        ("screen", "x.csv", "--purpose", "loan_application"),
        ("screen", "x.csv", "--purpose"),
        ("screen", __file__, *WHY, "--resume", LISTED),
        ("claims", "amend", LISTED, "-"),
        ("claims", "amend", "00" * 16, LISTED, "--evidence", LISTED),
        ("contribute", "x.csv", "--category", LISTED),
        ("contribute", "x.csv", "--expires", LISTED),
        ("contribute", "x.csv", "--expires", "2001-01-01"),
        ("contribute", "x.csv", "--evidence-file", "/absent"),
        ("claims", "show", LISTED),
        ("claims", "withdraw", "00" * 16, "--reason", LISTED),
        ("enrol", "/absent.json"),
    ],
)
def test_wrong_usage_is_told_in_chinese_and_repeats_no_value(arguments: tuple[str, ...]) -> None:
    result = zh(Cli(), *arguments)
    assert result.exit_code == 2
    assert english_in(result.stderr) == []
    assert not result.stderr.isascii()
    assert_no_identifier(result.output)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"", ()),
        (b"PK\x03\x04", ()),
        (b"PAR1", ()),
        (b"a,b\n1,2\n", ()),
        (b'"a,b\n1,2\n', ()),
        (b"kind,kind,identifier\n", ()),
        (b"a,b\n1,2\n", ("--map", "phone")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--map", "phone=b")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--map", "kind=b")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--map", "role=b")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--map", "email=a")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--ref", "a")),
        (b"a,b\n1,2\n", ("--map", "phone=a", "--out", "x.xyz")),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_chinese(
    tmp_path: Path, content: bytes, options: tuple[str, ...]
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    result = zh(Cli(), "screen", path, *WHY, *options)
    assert result.exit_code == 2
    assert english_in(result.stderr) == []
    assert not result.stderr.removeprefix("member-client: ").isascii()


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    def console(_session: Session, *, stderr: bool) -> Console:
        return Console(
            stderr=stderr, width=width, color_system=None, highlight=False, markup=False, force_terminal=True
        )

    monkeypatch.setattr(Session, "_console", console)


@pytest.mark.parametrize("width", [64, 90, 130])
def test_a_chinese_table_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    on_a_terminal(monkeypatch, width)
    result = zh(Cli(FakeClient(own=[an_own_claim(3)])), "claims", "list")
    assert all(cell_len(line) <= width for line in result.output.splitlines())
    assert an_own_claim(3).entry_id.hex() in result.stdout
    assert ("报送日期" in result.stdout) == (width == 130)
    assert ("终端较窄" in result.stderr) == (width < 130)


def test_cells_stand_under_their_headings(customers: Path) -> None:
    arguments = ("screen", customers, "--map", "phone=mobile", "--ref", "no", *WHY)
    head, row = zh(Cli(), *arguments).stdout.splitlines()[1:3]
    for heading, cell in (
        ("类别", "涉诈资金中转账户"),
        ("角色", "资金中转人"),
        ("有效期至", "2029-02-28"),
        ("至多可采取", "加强核验"),
    ):
        assert cell_len(head[: head.index(heading)]) == cell_len(row[: row.index(cell)])


@pytest.mark.parametrize("width", [20, 33, 60])
def test_long_lines_break_between_characters_and_never_before_punctuation(width: int) -> None:
    text = "退出码：0 完成，2 用法有误，4 已完成但有行未受理，10 和 11 由 --fail-on 触发（见 member-client --help）。"
    lines = folded(text, width).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)
    assert not any(line[0] in "，。；：、）" for line in lines)
    assert "--fail-on" in " ".join(lines)
