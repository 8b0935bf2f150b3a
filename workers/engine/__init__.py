"""Engines: their protocol (`base`), one module for each engine and each calculation."""
