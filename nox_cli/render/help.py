"""What `nox --help` and `nox help` show."""

from __future__ import annotations

OVERVIEW = """\
nox hands xTB calculations to workers and returns at once.

  submit   hand calculations over        run      the same, here, now, waiting
  watch    see them run                  results  the numbers, as table or CSV
  status   one job, or all at a glance   fetch    geometries and other files
  list     my jobs                       logs     what the engine printed
  wait     block until jobs have ended   cancel   stop
Machines: worker config version          Shell: completion    more: nox help --all
Everyday options:  --opt [LEVEL]  -c CHARGE  -u UNPAIRED
                                         examples: nox help examples
"""
