"""The protection of the server: tokens, hosts, limits of requests, ceilings, and visibility of jobs."""
