"""The keeper: the process that supervises an engine child."""
