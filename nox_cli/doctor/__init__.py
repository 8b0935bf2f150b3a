"""What `nox doctor` looks at: one module a part, one function a check.

A check reads and changes nothing.  It returns findings (`workers.findings`), or raises: an error of nox is a
problem in the words it has anyway.  `examination` puts the checks in order and keeps each within its time.
"""
