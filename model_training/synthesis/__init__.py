"""Pairs without a paired dataset: a neutral photograph put into any facial expression.

A 3-D face model (ICT-FaceKit) is fitted to a near-neutral photograph, expressions are added to the
mesh, and the photograph is rendered again through it. The untouched photograph is the target.
"""
