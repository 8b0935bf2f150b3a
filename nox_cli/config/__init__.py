"""Settings: environment, configuration files, the state directory."""
