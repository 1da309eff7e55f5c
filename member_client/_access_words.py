"""What surrounds the facts in a letter that answers a person's request to see what there is about them."""

from dataclasses import dataclass
from typing import Final

from alliance.notices import CHINESE, ENGLISH, Language


@dataclass(frozen=True, slots=True)
class AccessWords:
    """The sentences of the letter, in one language."""

    title: str
    opening: str
    given: str
    field: str
    refused_field: str
    given_note: str
    stated: str
    nothing_stated: str
    not_completed: str
    statement_note: str
    entry: str
    about: str
    matter: str
    role: str
    since: str
    observed: str
    until: str
    evidence: str
    status: str
    most: str
    own: str
    nothing_own: str
    asked: str
    nothing_asked: str
    asked_note: str
    question: str
    found: str
    found_nothing: str
    left_open: str
    changed: str
    inquired: str
    nothing_inquired: str
    not_looked_up: str
    inquired_note: str
    inquiry: str
    released: str
    one_file: str
    files: str
    declined: str
    nothing_released: str
    answered: str
    not_answered: str
    decided: str
    wrong: str
    steps: tuple[str, ...]
    staff: str
    rights: str
    joint: str
    aside: str


WORDS: Final[dict[Language, AccessWords]] = {
    ENGLISH: AccessWords(
        title="Answer to your request to see information about you",
        opening="You asked which information members of an anti-fraud alliance share about you, and what this "
        "institution asked about you. This letter says what there is on {date}. Our reference: {ref}.",
        given="What you gave us",
        field="{kind}: {masked}",
        refused_field="{kind}: {masked} (this could not be read as such, and was not searched for)",
        given_note="Only the last characters are shown. We searched for what you gave, and for nothing else.",
        stated="What members of the alliance state",
        nothing_stated="No member states anything about what you gave.",
        not_completed="Part of the search could not be completed on this day, so this letter does not say that there "
        "is nothing more. We will repeat it on request.",
        statement_note="An entry is a statement by a member and no finding that you did anything wrong.",
        entry="Entry {entry}",
        about="About: your {kind} {masked}",
        matter="What it concerns: {matter}",
        role="How you appear in it: {role}",
        since="In the alliance since {date}",
        observed="First observed on {date}",
        until="Deleted on {date} at the latest",
        evidence="How well founded: {evidence}",
        status="Status: {status}",
        most="What an institution may do at most because of it: {action}",
        own="What this institution stated itself",
        nothing_own="We have no record that this institution stated anything about what you gave.",
        asked="What we asked about you, and what came of it",
        nothing_asked="We keep no answer about what you gave.",
        asked_note="We keep answers that named an entry or could not be completed, for three years. Of a question that "
        "found nothing, no answer is kept.",
        question="{date}, {purpose}, reference {receipt}: {result}",
        found="entries about {categories}; permitted at most: {action}",
        found_nothing="nothing was found about what you gave",
        left_open="the check could not be completed, which says nothing about you",
        changed="; since then one of them is {status} ({date})",
        inquired="What authorities asked us about it",
        nothing_inquired="There is nothing to be listed.",
        not_looked_up="This could not be looked up on this day, so this letter does not say that there is nothing. We "
        "will repeat it on request.",
        inquired_note="Where an authority asked us under a legal instrument about what we stated, it is listed once "
        "its request has ended.",
        inquiry="{date}, {instrument}, case {number}: {answer}",
        released="we released: {fields}",
        one_file="one file",
        files="{count} files",
        declined="we declined to release anything",
        nothing_released="we had nothing to release",
        answered="we answered on {date}; our files say what was released",
        not_answered="we did not answer",
        decided="Who decides",
        wrong="If something is wrong",
        steps=(
            "Tell us which entry you dispute, by its number above, and why. You need not know whose it is.",
            "From then on every member sees that it is disputed, and may ask for an extra check at most because of it.",
            "The member that stated it answers within {dispute} days; within {theft} if your identity was misused.",
            "Without an answer by then the entry is suspended: it may only be noted.",
            "What proves wrong is corrected or taken back at every member.",
        ),
        staff=(
            "For our staff: member-client dispute open {field} - --entry {entry} --ground … --statement … --request …"
        ),
        rights="Your rights",
        joint=", ",
        aside="; ",
    ),
    CHINESE: AccessWords(
        title="关于您查阅个人信息申请的答复",
        opening="您申请了解反欺诈联盟成员机构之间共享的、与您有关的信息，以及本机构就您所作的查询。"
        "本答复说明截至 {date} 的情况。本机构编号：{ref}。",
        given="您提供的信息",
        field="{kind}：{masked}",
        refused_field="{kind}：{masked}（无法识别，未作查询）",
        given_note="仅显示末尾字符。本机构只查询了您提供的信息，未查询其他信息。",
        stated="联盟成员机构的陈述",
        nothing_stated="没有成员机构就您提供的信息作出陈述。",
        not_completed="部分查询当日未能完成，因此本答复不表示没有其他记录。您可以要求再次查询。",
        statement_note="每条记录是成员机构的陈述，不代表对您有过错的认定。",
        entry="记录 {entry}",
        about="涉及：您的{kind} {masked}",
        matter="内容：{matter}",
        role="您在其中的情况：{role}",
        since="{date} 起在联盟内共享",
        observed="相关情况最早见于 {date}",
        until="最迟于 {date} 删除",
        evidence="依据程度：{evidence}",
        status="状态：{status}",
        most="机构至多可以采取的措施：{action}",
        own="本机构自己的陈述",
        nothing_own="本机构没有就您提供的信息作出陈述的记录。",
        asked="本机构就您所作的查询及结果",
        nothing_asked="本机构没有保存与您提供的信息有关的查询结果。",
        asked_note="有记录的结果以及未能完成的查询保存三年。没有查到记录的，不保存结果。",
        question="{date}，{purpose}，查询编号 {receipt}：{result}",
        found="有关{categories}的记录；至多可以采取：{action}",
        found_nothing="没有查到与您提供的信息有关的记录",
        left_open="核验未能完成，这不是对您的评价",
        changed="；此后其中一条记录的状态为{status}（{date}）",
        inquired="有权机关就此向本机构的查询",
        nothing_inquired="没有可列明的查询。",
        not_looked_up="本项当日未能查询，因此本答复不表示没有此类查询。您可以要求再次查询。",
        inquired_note="有权机关凭法律文书就本机构的陈述向本机构查询的，在其请求终结后列明。",
        inquiry="{date}，{instrument}，案件编号 {number}：{answer}",
        released="本机构提供了：{fields}",
        one_file="1 份文件",
        files="{count} 份文件",
        declined="本机构未予提供",
        nothing_released="本机构没有可以提供的内容",
        answered="本机构已于 {date} 答复；所提供内容以本机构存档为准",
        not_answered="本机构未作答复",
        decided="作出决定的方式",
        wrong="如有错误",
        steps=(
            "请向本机构说明您对哪一条记录（以上文编号为准）有异议以及理由。您无需知道是哪家机构作出的陈述。",
            "自此所有成员机构都会看到该记录处于异议处理中，据此至多可以要求额外核验。",
            "作出陈述的机构在 {dispute} 日内答复；身份被冒用的，{theft} 日内答复。",
            "逾期未答复的，该记录中止使用，仅供留意。",
            "查明有误的，在所有成员机构更正或者撤回。",
        ),
        staff=(
            "供本机构工作人员使用：member-client dispute open {field} - --entry {entry} "
            "--ground … --statement … --request …"
        ),
        rights="您的权利",
        joint="、",
        aside="；",
    ),
}
