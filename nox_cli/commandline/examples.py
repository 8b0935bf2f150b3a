"""Examples of every command, for its help: a command line, and what it does."""

# "COMMAND", or "COMMAND COMMAND-BELOW" -> its examples.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "submit": (
        ("nox submit caffeine.xyz --opt", "Optimise a molecule with GFN2-xTB."),
        (
            "nox submit radical.xyz --ohess -c 1 -u 1 --alpb water",
            "Frequencies of a radical cation in water.",
        ),
    ),
    "run": (("nox run *.xyz --opt -d results", "Optimise every file; a second run continues in results."),),
    "watch": (("nox watch @batch:screen", "Watch the jobs of a batch; q ends the view, not the jobs."),),
    "top": (("nox top @batch:screen @running", "Browse the running jobs of a batch; ? lists the keys."),),
    "results": (
        ("nox results", "Show the results of the last submission."),
        ("nox results @batch:screen --relative --unit kcal -o csv", "Relative energies as CSV."),
    ),
    "plot": (
        ("nox plot 42", "Draw the convergence of an optimisation, or the IR spectrum of frequencies."),
        ("nox plot @batch:screen --unit kj -o screen.svg", "Draw the energies of a batch into a file."),
    ),
    "status": (("nox status 42", "Show a job; without a number: all jobs at a glance."),),
    "fetch": (
        ("nox fetch @last -d optimised", "Write the optimised geometries into a directory."),
        ("nox fetch 42 all -d job42", "Write every file that job 42 left."),
    ),
    "open": (
        ("nox open 42", "Show the final geometry of a job."),
        ("nox open 42 trajectory.xyz --viewer jmol", "Play an optimisation in Jmol."),
    ),
    "list": (
        ("nox list @failed --since 2d", "List the jobs of the last two days that failed."),
        ("nox list screen", "List the jobs of the batch screen."),
    ),
    "logs": (("nox logs 42 --follow", "Print the engine's output until the job has finished."),),
    "wait": (
        ("nox wait @last --timeout 2h", "Wait for the last submission, two hours at most."),
        ("nox wait @last --notify 'notify-send {state}'", "Show the outcome on the desktop."),
    ),
    "explain": (("nox explain 42", "Explain why job 42 waits or failed."),),
    "cancel": (
        ("nox cancel 40-45", "Cancel six jobs."),
        ("nox cancel --all --yes", "Cancel all of them, without being asked."),
    ),
    "hold": (("nox hold @waiting", "Keep all waiting jobs from starting."),),
    "release": (("nox release 40-45", "Let held jobs start."),),
    "retry": (
        ("nox retry @failed", "Run all failed jobs again."),
        ("nox retry @failed:not_converged --from-last-geometry", "Continue unconverged optimisations."),
    ),
    "set": (("nox set @waiting --priority 10 --memory 4G", "Change all waiting jobs."),),
    "push": (("nox push", "Move all jobs that wait here to Redis."),),
    "clean": (
        ("nox clean --older 90d --dry-run", "Show what a clean-up would remove."),
        ("nox clean @failed --older 1d", "Remove the jobs that failed, except today's."),
    ),
    "cite": (("nox cite @batch:screen", "Write the methods sentence for a batch."),),
    "events": (("nox events --follow", "Print every change of a job as it happens."),),
    "worker": (
        ("nox worker --slots 4 --idle-timeout 10m", "Run four jobs at once; stop when idle for 10 minutes."),
        (
            "nox worker --print-sbatch --cores 8 --time-limit 4h | sbatch",
            "Start a worker in an allocation of Slurm.",
        ),
    ),
    "worker list": (("nox worker list", "Show the workers that are running."),),
    "alloc": (
        ("nox alloc set small --cores 8 --memory 16G --time 4h -- -p main", "Define a pool."),
        ("nox alloc run", "Request its allocations while jobs wait; Ctrl-C ends that, not the allocations."),
    ),
    "alloc set": (
        (
            "nox alloc set small --cores 8 --memory 16G --time 4h -- -p main",
            "Allocations of 8 cores for 4 hours in the partition main, at most 10.",
        ),
        (
            "nox alloc set big --cores 64 --memory 200G --time 1d --budget 5000h/week",
            "Large ones, within a budget of core hours.",
        ),
    ),
    "alloc run": (
        ("nox alloc run --once", "Look once; in cron every five minutes."),
        ("nox alloc run --dry-run", "Show what would be requested and why, and the batch script."),
    ),
    "alloc list": (("nox alloc list", "Show all pools: state, allocations, demand, core hours."),),
    "alloc show": (("nox alloc show small", "Show a pool, its allocations and its batch script."),),
    "alloc pause": (("nox alloc pause small", "Request no more allocations for the pool small."),),
    "alloc resume": (("nox alloc resume small", "Let the pool small request again."),),
    "alloc remove": (("nox alloc remove small", "Remove the pool and cancel its pending allocations."),),
    "serve": (
        ("nox serve --with-worker", "Serve the HTTP API on this machine, and run its jobs."),
        ("nox serve --unix ~/nox.sock", "Serve on a socket that only you can open."),
    ),
    "serve link": (("nox serve link", "Print another link to the page, valid once."),),
    "token": (("nox token list", "Show who has access to the HTTP API."),),
    "token new": (
        ("nox token new ci --scope submit --expires 90d", "Print a token that may submit jobs for 90 days."),
        ("nox token new page --scope read > token", "Keep a token that may read your jobs in a file."),
    ),
    "token list": (("nox token list --json", "Print all tokens as JSON."),),
    "token revoke": (("nox token revoke ci", "Refuse the token ci from now on."),),
    "metrics": (("nox metrics > nox.prom", "Write the metrics to a file for a textfile collector."),),
    "doctor": (
        ("nox doctor", "Check this installation."),
        ("nox doctor --numbers", "Compare the engines' numbers with recorded ones."),
    ),
    "config": (("nox config show", "Show the settings in force and where they come from."),),
    "config show": (("nox config show --json", "Print the settings as JSON."),),
    "config path": (("nox config path", "Show which settings files are read."),),
    "config set": (
        ("nox config set autostart never", "Start no worker by itself."),
        ("nox config set profile.thf.alpb thf", "Give the profile thf a solvent: nox submit --profile thf."),
    ),
    "config unset": (("nox config unset profile.thf", "Remove a profile."),),
    "schema": (("nox schema result > result.schema.json", "Save the JSON Schema of a result."),),
    "version": (("nox version --json", "Print the versions as JSON."),),
    "help": (
        ("nox help examples", "Show what to type, from one molecule to many machines."),
        ("nox help submit", "Show the help of a command."),
    ),
    "completion": (('eval "$(nox completion bash)"', "Complete nox in this shell; add it to ~/.bashrc."),),
}
