"""The only exceptions that leave this package.

Rules:

1. Each carries the exit code that the command line gives for it, and where there is one, how to fix it.
2. No text holds an identifier, a tag or a key byte; a cause is chained with `from`, gRPC's own errors included.
3. An `IntegrityError` means that somebody, the hub perhaps, shows something that cannot be right: nothing that
   came with it was used. It is never retried and never turned into a verdict `unknown`.
"""

from typing import ClassVar


class AllianceClientError(Exception):
    """Base of all errors of the member's SDK."""

    exit_code: ClassVar[int] = 1
    how_to_fix: ClassVar[str] = ""


# -- the caller's or the machine's side ------------------------------------------------------------------------


class InvalidUse(AllianceClientError):
    """The call makes no sense as it stands: nothing was sent."""

    exit_code = 2
    how_to_fix = "Correct the call; the sentence says what is wrong with it."


class AlreadyEnrolled(InvalidUse):
    """The folder holds an enrolled profile, which is never overwritten."""

    how_to_fix = "Choose another folder, or move the enrolled profile away first."


class ConsentMissing(InvalidUse):
    """The purpose needs consent, a request or a statement of basis that was not given: nothing was sent."""

    how_to_fix = "Give consent=Consent.of(...) with the subject or with the call."


class ConflictingRetry(InvalidUse):
    """The same request id was used before with other content."""

    how_to_fix = "Take a new request id for new content, and repeat old content unchanged."


class NotEnrolled(AllianceClientError):
    """The profile's folder holds no enrolled profile."""

    exit_code = 3
    how_to_fix = (
        "Name the profile's folder by ALLIANCE_HOME or --profile, or run `member-client enrol BUNDLE` with the bundle "
        "that the alliance sent."
    )


class ConfigurationInvalid(AllianceClientError):
    """A profile, bundle or key file cannot be used as it is."""

    exit_code = 3
    how_to_fix = (
        "Correct what the sentence names; a passphrase comes from ALLIANCE_PASSPHRASE or ALLIANCE_PASSPHRASE_FILE, an "
        "operator's from ALLIANCE_OPERATOR_PASSPHRASE or ALLIANCE_OPERATOR_PASSPHRASE_FILE."
    )


class ClockWrong(ConfigurationInvalid):
    """The clocks of this machine and of the hub differ by more than the two minutes that are allowed."""

    how_to_fix = "Synchronise this machine's clock (NTP), then repeat."


class StoreDamaged(AllianceClientError):
    """The local store does not hold what was written to it: it is set aside and rebuilt when it is opened next."""

    exit_code = 3
    how_to_fix = "Do the same again: a new store takes the damaged one's place. Keep the file that was set aside."


class PinsDamaged(StoreDamaged):
    """The local pins do not hold what was written to them, or were sealed under another key: nothing is opened."""

    how_to_fix = "Restore pins.sqlite3 from a backup, or follow docs/how-to/when-things-fail.md."


class BookDamaged(StoreDamaged):
    """The watched book does not hold what was written to it: it is left as it is, and nobody is watched."""

    how_to_fix = (
        "Move book.sqlite3 out of the profile's folder and add your customers again (member-client watch add): what the"
        " book knew of them is told anew."
    )


# -- the hub cannot be had ---------------------------------------------------------------------------------------


class HubUnavailable(AllianceClientError):
    """The hub did not answer in time; everything acknowledged is safe and everything else can be repeated."""

    exit_code = 5
    how_to_fix = "Try again; see that the address `hub` in profile.toml can be reached from this machine."


class EnrolmentUnavailable(HubUnavailable):
    """The hub's port for enrolment did not answer in time; the invitation is as good as before."""

    how_to_fix = "Try again; see that this machine reaches the invitation's `enrolment` address, and that the hub runs."


class SuccessionAwaited(HubUnavailable):
    """The hub was restored from a backup and serves nothing before two admins have signed its succession."""

    how_to_fix = "Wait, or call the alliance's admins: two of them run `member-client admin succession sign`."


class WitnessesAwaited(HubUnavailable):
    """Too few of the alliance's witnesses have cosigned the hub's log; what was proven before goes on being used."""

    how_to_fix = (
        "Ask the alliance's admins whether its witnesses run: member-client admin witnesses show names them, and "
        "where some are gone two admins set another list."
    )


class BucketOverfull(HubUnavailable):
    """A bucket is larger than any should be; the fields that it is about stay unconfirmed."""

    how_to_fix = "Report it to the hub's operator: somebody fills a bucket."


class StorageFull(HubUnavailable):
    """The hub's storage, or this machine's, is full; what was acknowledged is safe."""

    how_to_fix = "Make room (locally) or wait for the hub's operator, then repeat."


class StoreBusy(HubUnavailable):
    """Another process holds the local store for longer than anybody should."""

    how_to_fix = "Look for a hanging process that uses the same profile."


class HubError(AllianceClientError):
    """The hub refused a call in a way that is no fault of the caller's input: a defect here or there."""

    how_to_fix = "Report it with the time of the call."


class HubFault(HubError):
    """The hub failed on its own account; the call took no effect unless acknowledged."""

    exit_code = 5
    how_to_fix = "Try again; report it to the hub's operator where it stays."


class NotFound(HubError):
    """There is no such thing, or it is not this member's."""

    exit_code = 2
    how_to_fix = "Check the id; only this member's own things can be seen."


class FilterChanged(HubUnavailable):
    """The filter was replaced again and again while it was being fetched, or is not ready."""


# -- the hub says no ---------------------------------------------------------------------------------------------


class Denied(AllianceClientError):
    """The hub understood and refused."""

    exit_code = 6
    how_to_fix = "Ask the alliance's office."


class NotAuthenticated(Denied):
    """The certificate is unknown, revoked or expired, or the member is suspended."""


class CertificateEnded(NotAuthenticated):
    """The certificate has ended: this machine was away for longer than it lasted, or could not renew it."""

    how_to_fix = "Ask the alliance's office for a new invitation; the member is enrolled anew, under another id."


class KeyNotConfirmed(Denied):
    """The member has enrolled, and its key waits to be confirmed by the alliance's admins."""

    how_to_fix = (
        "Read the words of `member-client fingerprint` to the alliance's admins by telephone; they confirm the key."
    )


class TooManyAttempts(Denied):
    """The hub refused too many enrolments; `retry_at` says when one may be tried again, milliseconds UTC, if known."""

    how_to_fix = "Wait a minute, then enrol with the bundle that the alliance sent."

    def __init__(self, message: str, retry_at: int | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NotPermitted(Denied):
    """The member's role does not permit the call."""


class PurposeNotPermitted(NotPermitted):
    """The member may not evaluate for this purpose."""


class TokenRefused(Denied):
    """The invitation's token is unknown, used or expired."""

    how_to_fix = "Ask the alliance's office for a new invitation."


class Replayed(Denied):
    """The hub holds the call's header for stale or from the future."""

    how_to_fix = "Synchronise this machine's clock (NTP): the hub accepts two minutes to either side."


class EpochNotServed(Denied):
    """The epoch does not serve the call."""

    how_to_fix = "Run `member-client sync`, then repeat."


class IllegalTransition(Denied):
    """The claim's status does not permit the change."""

    how_to_fix = "Look at the claim's status first; withdrawn and expired claims stay as they are."


class DisputeNotPossible(Denied):
    """No dispute can be opened so: there is no such live claim of another member, or the token is not its."""

    how_to_fix = "Check the entry id and the identifier with the consumer: every try counts against the day's budget."


class DisputeAlreadyOpen(Denied):
    """A dispute about the claim waits already, or has had the claim suspended."""

    how_to_fix = "Wait for the contributor's answer; the claim permits no more than a step-up meanwhile."


class DisputeRepeated(Denied):
    """An earlier dispute about the claim was answered, and this one brings no evidence that is new."""

    how_to_fix = "Open it with evidence that no earlier dispute brought, or have the earlier one escalated in time."


class DisputeClosed(Denied):
    """The dispute is answered or over, or a reviewer suspended the claim: that may be ended, and is not upheld."""

    how_to_fix = "Look at the dispute's state first (member-client dispute show)."


class DisputeNotEscalatable(Denied):
    """A dispute is escalated within 30 days after the contributor upheld its claim, while the claim lives."""

    how_to_fix = "Look at the dispute first (member-client dispute show); new evidence opens a new dispute."


class CosignatureRefused(Denied):
    """The hub does not take a cosignature: its key is on no witness list in force."""

    how_to_fix = "Give the admins the verifier key (member-client witness status): two of them put it on the list."


class OutcomesImplausible(Denied):
    """More outcomes were reported in 35 days than this member asked for evaluations in them."""

    how_to_fix = "Nothing is lost: they are sent again with the next day's. Report what became of decisions alone."


class ProposalClosed(Denied):
    """The proposal is decided, withdrawn or expired."""

    how_to_fix = "List the proposals, and propose it again where it is still wanted."


class SuccessionConflict(Denied):
    """What was signed is not the succession that the hub shows now."""

    how_to_fix = "Look at the succession again: the hub may have been restored once more."


class MemberStateConflict(Denied):
    """The member's state does not permit the change."""

    how_to_fix = "Look at the member's state first: offboarding and revocation are for good."


class TwoAdminsNeeded(Denied):
    """An alliance keeps two admins who can act, and this would leave fewer."""

    how_to_fix = "Invite another admin first, or resume one who is suspended."


class EpochStateConflict(Denied):
    """The epoch's state does not permit the change, or its number is not the one that follows."""

    how_to_fix = "Look at the epochs first (member-client admin epochs): begin, activate, retire, in this order."


class CommonRulesConflict(Denied):
    """The policy is adopted already, or the number of the suppression list or witness list is not the next."""

    how_to_fix = "Look at what is in force first; a list is made from that one (member-client admin suppression show)."


class RetaggingIncomplete(Denied):
    """Live claims of the epoch are not re-tagged yet."""

    how_to_fix = "Look who lags (member-client admin epochs), and have them run member-client retag."


class NothingToRetag(Denied):
    """The hub knows of fewer claims to be re-tagged than were asked about."""

    how_to_fix = "Run member-client retag again: it goes on with what is left."


class TooManyProposals(Denied):
    """The admin has as many open proposals as one may."""

    how_to_fix = "Have another admin decide some of them first, or withdraw them; then do the same again."


class TwoOperatorsNeeded(Denied):
    """Such a claim needs the approvals of two registered operators of this member, made within a week."""

    how_to_fix = "Contribute it with an operator, and have another one approve it (member-client review)."


class OperatorConflict(Denied):
    """The operator's name or key was registered before, or the member has as many operators as it may."""

    how_to_fix = "Choose another name and make a new key; retire operators who are gone (member-client operator)."


class SuspectsNotEvaluated(Denied):
    """Suspects were submitted that were not evaluated under the case, or that were submitted before."""

    how_to_fix = "Go on with the case by its own command (member-client case match), which evaluates before it submits."


class CaseOutOfScope(Denied):
    """A case asks for more than its liaison, its instrument or its request covers."""

    how_to_fix = "Ask for fewer categories or a shorter look-back, or have the admins set the liaison's scope."


class InstrumentExpired(Denied):
    """The legal instrument's time is over."""

    how_to_fix = "Obtain a new instrument, and open a case under it."


class InstrumentExhausted(Denied):
    """More suspects than may be asked about under the instrument."""

    how_to_fix = "Ask about fewer, or obtain another instrument."


class CaseStateConflict(Denied):
    """The case's state does not permit this."""

    how_to_fix = "Look where the case is (member-client case status)."


class AnotherApproverNeeded(Denied):
    """An approver of this function decided already."""

    how_to_fix = "Have an approver of the other function decide."


class TwoOfficersNeeded(Denied):
    """Two registered officers of the liaison sign this, each with a key of their own."""

    how_to_fix = "Register both officers (member-client operator); the second one signs (member-client case submit)."


class ReplyWindowClosed(Denied):
    """Replies to the case are not taken now."""

    how_to_fix = "Wait until its window opens; after it has closed, tell the liaison's office."


class AttachmentMismatch(Denied):
    """An attachment is not what was signed: its size, its digest or where it goes on."""

    how_to_fix = "See that the file was not changed since it was released, and attach it again."


class TooManyAttachments(Denied):
    """The member has as many attachments to the case, or as large ones, as it may: 64, and about 16 GiB."""

    how_to_fix = "Release fewer or smaller files, or put several into one archive."


class CountersignatureClosed(Denied):
    """The request for a countersignature was answered, or its time is over."""

    how_to_fix = (
        "Look where it is (member-client claims countersign list). Where it was refused or its time is over, "
        "contribute the row again."
    )


class FingerprintRefused(Denied):
    """The words are not those of the key that enrolled: they were misheard, or somebody else enrolled."""

    how_to_fix = (
        "Have the words read once more, at a number that you know from elsewhere. Where they stay others, confirm "
        "nothing and invite the member again."
    )


class BudgetExhausted(Denied):
    """The day's budget for the purpose is spent; `retry_at` says when it renews, milliseconds UTC, if known."""

    how_to_fix = "Wait for the renewal at 00:00 UTC, or ask the alliance's office for a larger budget."

    def __init__(self, message: str, retry_at: int | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class BurstExhausted(BudgetExhausted):
    """More was asked for at once than the member may; `retry_at` says from when on it may again, if known."""

    how_to_fix = "Wait until the time that is given: the day's budget is not spent. Bulk work waits by itself."


# -- somebody else's side ----------------------------------------------------------------------------------------


class WebhookFailed(AllianceClientError):
    """The receiver of a webhook did not take an event: it is sent again, and nothing of it is lost."""

    exit_code = 5
    how_to_fix = "See that the receiver is up and answers 2xx, then run `member-client watch dead-letters --retry`."


# -- something cannot be right -----------------------------------------------------------------------------------


_LOG_BROKEN = (
    "Stop using the hub's answers. Call the alliance's admins and its auditor, and give them the file log-fork-… of "
    "the state folder: what the hub signed in it is the proof. Keep that file and pins.sqlite3."
)


class IntegrityError(AllianceClientError):
    """A proof, signature, key or sequence is wrong: stop and call someone."""

    exit_code = 7
    how_to_fix = "Stop using the hub's answers and call the alliance's security contact."


class ProofRejected(IntegrityError):
    """The hub's evaluation does not verify under the pinned epoch key: another key, or a changed reply."""


class StatementInvalid(IntegrityError):
    """A signed statement does not verify under the key that it should, or states what it may not."""


class QuorumMissing(IntegrityError):
    """Fewer witnesses cosigned the hub's checkpoint than two admins agreed that must have."""

    how_to_fix = (
        "Ask the alliance's admins whether its witnesses run (member-client admin witnesses show). Where they do, the "
        "hub shows this machine another log than them."
    )


class FilterTampered(IntegrityError):
    """The filter's bits, shape or deltas are not those that the hub signed."""


class AttachmentTampered(IntegrityError):
    """An attachment is not the file that the member signed: it was changed, cut off or put in another's place."""

    how_to_fix = (
        "Use nothing of it, fetch it once more, and where it stays so ask the member to release the file anew and tell "
        "the alliance's admins."
    )


class FilterRolledBack(IntegrityError):
    """The hub showed an older filter than before; the newer one stays in force until it is stale."""


class EpochKeyChanged(IntegrityError):
    """An epoch has another public key than when it was first seen."""


class MemberKeyChanged(IntegrityError):
    """A member's identity key is another than when it was first seen, or two are named at once."""


class MemberRoleChanged(IntegrityError):
    """A member has another role than when it was first seen: roles never change."""


class FactNotPublished(IntegrityError):
    """The hub shows a key, a filter or a list that its audit log does not prove: others may be shown another one."""

    how_to_fix = (
        "Use nothing that the hub answers, keep this machine's files as they are, and call the alliance's admins and "
        "auditor: a hub that proves nothing may show each member something else."
    )


class EntryOmitted(IntegrityError):
    """The hub says that a claim of this member's lives, and keeps it from readers, or serves another in its place.

    `entries` are their ids.
    """

    how_to_fix = (
        "Call the alliance's admins and auditor and name the entry ids (member-client audit entries): other members "
        "are not warned of what this member reported."
    )

    def __init__(self, message: str, entries: tuple[bytes, ...] = ()) -> None:
        super().__init__(message)
        self.entries = entries


class EpochRevived(IntegrityError):
    """An epoch whose key was destroyed is shown as one that serves."""


class SuccessionRejected(IntegrityError):
    """The hub has another identity key, and two admins whom this machine knows have not signed for it."""

    how_to_fix = (
        "Call the alliance's admins. Where they did restore the hub, this machine has not known two of them: follow "
        "docs/how-to/back-up-and-restore.md."
    )


class ReceiptInvalid(StatementInvalid):
    """An answer came without the hub's receipt for it, or with another's: nothing of the answer was used."""


class ReceiptBroken(IntegrityError):
    """The hub gave a receipt for an event, and the event is not in its audit log: it was left out, or put elsewhere."""

    how_to_fix = (
        "Stop using the hub's answers. Call the alliance's admins and its auditor, and give them the receipt, which is "
        "kept in the state folder as receipt-broken-…: what the hub signed in it is the proof."
    )


class LogForked(IntegrityError):
    """The hub's audit log does not follow from what this machine has seen of it: others are shown another one."""

    how_to_fix = _LOG_BROKEN


class LogShrunken(IntegrityError):
    """The hub's audit log is smaller than this machine has seen it, and no succession says what was lost."""

    how_to_fix = _LOG_BROKEN


class CertificateInvalid(IntegrityError):
    """A certificate is not one that the alliance's CA issued for the party and the key that it should."""
