"""Reading datasets, splitting them by person, and making training crops."""
