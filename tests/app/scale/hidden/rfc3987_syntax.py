"""Hides a package that an installation of the service does not have.

A tool of the development environment brings it; jsonschema then imports it in every process of Ray,
where it spends more than two seconds building a parser.
"""

raise ImportError("hidden from the processes of Ray in the tests")
