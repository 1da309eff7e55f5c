"""Police cases: requests are submitted and decided, suspects evaluated and matched, and members reply.

A service each: `requesting`, `deciding`, `matching`, `inquiring`, `replies`. `evaluating` is what admission asks,
`scopes` what admins set, and `clocks` what time brings about.
"""
