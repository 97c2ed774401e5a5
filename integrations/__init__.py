"""StoicNet where people already work: thin layers over the package `stoicnet`."""
