"""What stands around every handler, one concern a file: `guard` wraps, `authentication` admits, `calls` audits."""
