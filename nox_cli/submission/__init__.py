"""Submission: from options and input files to jobs in the store."""
