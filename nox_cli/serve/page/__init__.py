"""The page for a browser: its files, and the sessions of those who have signed in."""
