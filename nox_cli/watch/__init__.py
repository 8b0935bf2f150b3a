"""Watching: following jobs and logs as they change, their progress, and why they wait.

    follower.Follower, wait_for         jobs until they are final: `Change` after `Change`, or a verdict
    board.Watching, board.Board         what `nox watch` streams, and the content of its drawings
    ledger.Ledger                       the progress of jobs that are followed: `BatchProgress`
    survey.Survey                       the progress of a store or a batch of any size: the same
    status.read_status, read_overview   jobs, or the whole store, as they are now
    explanation.explain                 why a job is in its state
    events.Stream, logs.read_logs       the changes of all jobs from a cursor on; logs of engines
    workforce.read_workforce            the workers, and what they lack for a job

`pace` and `estimate` are the arithmetic behind a ledger: nothing else computes a rate or a time that is left.
"""
