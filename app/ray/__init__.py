"""The service on Ray Serve, and Ray itself (extra `scale`)."""
