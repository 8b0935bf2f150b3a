"""Engines that are Python libraries, and echo."""
