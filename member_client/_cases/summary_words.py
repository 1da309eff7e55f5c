"""What surrounds the facts in the summary and the note that lie in a case's bundle."""

from dataclasses import dataclass
from typing import Final

from alliance.notices import CHINESE, ENGLISH, Language


@dataclass(frozen=True, slots=True)
class SummaryWords:
    """The sentences of the summary, in one language."""

    title: str
    opening: str
    request: str
    number: str
    instrument: str
    valid: str
    scope: str
    suspects: str
    period: str
    officers: str
    urgent: str
    approvals: str
    approval: str
    legal: str
    duty: str
    replies: str
    asked: str
    no_reply: str
    faulty: str
    member: str
    basis: str
    agreed: str
    about: str
    field: str
    file: str
    absent: str
    rubbish: str
    verify: str
    how: tuple[str, ...]
    joint: str


WORDS: Final[dict[Language, SummaryWords]] = {
    ENGLISH: SummaryWords(
        title="Police case {number}: summary",
        opening="Made by officer {officer} of {liaison} in the alliance {alliance} at {time}. This summary is for "
        "reading. What counts are the signed releases in the same bundle, which were verified before it was written.",
        request="The request",
        number="Case {case}, number {number}",
        instrument="Instrument: {instrument}, {reference}; its document has the SHA-256 {digest}",
        valid="Valid until {time}",
        scope="Claims asked about: {categories}",
        suspects="Suspects' identifiers: {suspects}",
        period="Conduct observed from {start} to {end}",
        officers="Signed by the officers {officers}",
        urgent="Urgent: {ground}",
        approvals="The approvals",
        approval="{approver}, {function}, {time}: {reason}",
        legal="legal approver",
        duty="duty officer",
        replies="The members' replies",
        asked="{asked} members held matching claims and were asked; {replied} replied. No other member learned of the "
        "case.",
        no_reply="{member} did not reply in time.",
        faulty="{member} sent a reply that does not verify; it is not in this bundle.",
        member="{member}, {time}",
        basis="Legal basis: {basis}",
        agreed="Approved within the member by {operators}",
        about="About {kind} {identifier} (claim {entry}): {outcome}",
        field="{name}: {value}",
        file="File {name}, {size} bytes, SHA-256 {digest}: {place}",
        absent="File {name} was named in the release and never uploaded",
        rubbish="File {name} was named in the release; what {member} uploaded under that name is not the file that it "
        "signed, and is not in this bundle",
        verify="How this is verified",
        how=(
            "On any machine with the member's program, without a connection: member-client case verify BUNDLE",
            "Compare the hub's key that it prints with the one that the alliance publishes: {key}",
            "A bundle of which any byte was changed, added or removed does not hold, and the program says where.",
        ),
        joint=", ",
    ),
    CHINESE: SummaryWords(
        title="案件 {number} 摘要",
        opening="由联盟 {alliance} 联络机构 {liaison} 的办案人 {officer} 于 {time} 制作。本摘要仅供阅读；"
        "以同一案件包中经签署的提供内容为准，该等内容在写入前已经验证。",
        request="申请",
        number="案件 {case}，编号 {number}",
        instrument="法律文书：{instrument}，{reference}；其文件的 SHA-256 为 {digest}",
        valid="有效期至 {time}",
        scope="所询类别：{categories}",
        suspects="涉案标识：{suspects}",
        period="所涉行为时间：{start} 至 {end}",
        officers="由办案人 {officers} 签署",
        urgent="紧急：{ground}",
        approvals="审批",
        approval="{approver}，{function}，{time}：{reason}",
        legal="法律审批人",
        duty="值班审批人",
        replies="成员答复",
        asked="{asked} 家成员持有匹配记录并被询问，其中 {replied} 家答复。其他成员均不知悉本案。",
        no_reply="{member} 逾期未答复。",
        faulty="{member} 的答复未通过验证，不在本案件包中。",
        member="{member}，{time}",
        basis="法律依据：{basis}",
        agreed="成员内部批准人：{operators}",
        about="关于{kind} {identifier}（记录 {entry}）：{outcome}",
        field="{name}：{value}",
        file="文件 {name}，{size} 字节，SHA-256 {digest}：{place}",
        absent="文件 {name} 已列入提供内容，但从未上传",
        rubbish="文件 {name} 已列入提供内容，但 {member} 以此名义上传的并非其签署的文件，故不在本案件包中",
        verify="如何验证",
        how=(
            "在装有成员程序的任何机器上，无需联网：member-client case verify BUNDLE",
            "将其打印的联盟中心密钥与联盟公布的核对：{key}",
            "任何字节被改动、增加或删除的案件包均不成立，程序会指出位置。",
        ),
        joint="、",
    ),
}

README: Final = """\
This archive is the bundle of a police case: what members of the alliance released to its officers under a legal
instrument, with everything that proves it.
本归档为一个案件的案件包：联盟成员依据法律文书向办案人提供的内容及其全部证明。

Verify it before you rely on it / 采信前请先验证:

    member-client case verify BUNDLE --hub-key FINGERPRINT

  summary-zh-CN.pdf, summary-en.pdf   内容摘要 / what it says, to read
  replies/                            各成员提供的内容 / what each member released: as text (.json) and as signed
  attachments/                        附件 / files that members released
  case/                               申请、办案人、审批、标识 / the request, its officers, approvals, matched suspects
  members/                            各方密钥 / whose key is whose, as the alliance's hub signed it
  log/                                日志证明 / proofs that each step is in the hub's log
  manifest.json, manifest.signature   清单与签名 / every file with its digest, and the officer's signature

It is as confidential as what is in it. 其保密级别与其内容相同。
"""
