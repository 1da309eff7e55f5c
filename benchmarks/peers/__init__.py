"""Rivals that others wrote, each installed once into a virtual environment of its own."""
