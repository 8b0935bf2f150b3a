#!/bin/sh
# Hands over what is new in a directory, and nothing twice.  A line of cron that does so every quarter of an hour:
#
#     */15 * * * * /home/me/cron.sh /home/me/inbox >>/home/me/cron.log 2>&1
#
# cron gives hardly any environment: say where nox is, and which store is meant.  The jobs go to the local store,
# whose worker nox starts if need be (not on a login node: there, add a line `nox worker --burst` for a machine
# that may compute); for a Redis, export REDIS_URL and say --require-store redis.
set -eu
inbox=${1:?say which directory}
PATH=$HOME/.local/bin:/usr/local/bin:/usr/bin:/bin
export PATH

find "$inbox" -name '*.xyz' | sort |
  nox submit --opt --unique --allow-empty --require-store local --files-from -
