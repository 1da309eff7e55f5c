"""The auditor's verifier: it needs an export of the audit logs and what somebody else remembers of them, and no more.

Rules:

1. It holds neither program: what it shares with them are the public formats (`alliance.tlog`, `alliance.crypto.merkle`)
   and the messages of events.
2. An export is believed nothing. Entries are hashed up to a root that somebody vouches for who is not the export: by a
   key or by a checkpoint that the auditor has from elsewhere.
3. Whatever is told about events is told of entries that were verified in the same run.
4. It streams: memory does not grow with the log.
"""
