"""The transparency log's public formats, as the C2SP community publishes them: https://c2sp.org.

`notes` signs texts, `checkpoints` are the notes that a log signs, `tiles` are the files that its tree is served from,
and `logs` names the logs of an alliance. Nothing in here knows a program: an auditor's verifier holds the same files.
"""
