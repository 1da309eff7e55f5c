"""Adapters of the ports: SQL tables for SQLite and PostgreSQL, and files of filter bits."""
