"""Batch runs: folders, tar and Parquet files, on this machine or on Ray (extra `scale`)."""
