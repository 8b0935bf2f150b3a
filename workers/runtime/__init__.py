"""One worker process: slots, attempts, leases, artifacts."""
