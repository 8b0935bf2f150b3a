"""What wakes a worker: a bell.  The bell says only that there is work; the store knows which."""
