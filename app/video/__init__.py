"""Moving pictures: the same person, calm through a whole clip."""
