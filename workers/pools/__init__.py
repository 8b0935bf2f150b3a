"""Pools of allocations: how many workers the ready jobs need, and the requests for them."""
