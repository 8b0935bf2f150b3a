"""Molecular viewers: the program that shows structures, and the files that it is given.

programs.choose         the viewer of the settings, or one on PATH: `Viewer`
structures.open_jobs    writes the structures of jobs to a file, and starts a viewer on it: `Opened`
"""
