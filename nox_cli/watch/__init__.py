"""Watching: following jobs and logs as they change, and why they wait."""
