"""Making jobs of structures and options, and handing them to a store.

A submit is made of these steps; none of them knows a command line, a terminal or a signal:

    options.SubmitOptions        what to compute, and with which resources
    jobs.Start                   when the jobs may start, and after which others
    prepare.prepare(...)         reads and checks all inputs: `Prepared`, or one refusal of them all
    head_start.HeadStart         stores the first jobs of a large submit while `prepare` reads the others
    submit.submit(...)           stores the jobs and wakes a worker: `Submission`
    geometry_sources.restart(...)  new jobs that continue failed optimisations

Refusals are exceptions of `workers.errors`.  `prepare` alone checks without submitting.
"""
