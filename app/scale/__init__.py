"""More pictures than a request, more machines than one: batch runs and Ray (extra `scale`)."""
