"""One worker process: pool, slots, attempts, leases, artifacts."""
