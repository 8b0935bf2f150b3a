"""Stores of jobs: one protocol (`base`), implemented over Redis and over SQLite."""
