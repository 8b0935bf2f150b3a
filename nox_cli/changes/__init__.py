"""Changing stored jobs: each function takes a store, job ids and an owner, and returns the outcome per job.

    selection.hold, release, revise, retry, cancel
    removal.find_ended, removal.remove      cleaning up
    push.push, push.recall                  moving jobs from the local store to Redis

An owner of None means the jobs of any user; a job of another user is refused in its own outcome.
"""
