"""Tokens of the HTTP API: their creation, list and revocation; links to its page."""
