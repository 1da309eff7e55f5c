"""Police cases: what a liaison draws up, has matched and opens, and what a member that is asked looks at and releases.

For liaisons, `drafts` keeps what no other machine has, `requesting` signs and submits, `matching` evaluates suspects
and submits them, `replies` opens what members release. For members, `inquiries` reads what a case asks, `releasing`
draws an answer up, `waiting` sends it in its window.
"""
