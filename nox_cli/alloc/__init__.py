"""`nox alloc`: pools of allocations, their files on this machine, and what the commands do with them."""
