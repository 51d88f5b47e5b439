"""Traces of jobs, replayed on a described cluster by the scheduler itself with a simulated clock.

reading/      one file a format: what was submitted when, and how long it ran
trace         jobs as a trace tells them, and as they are put to a cluster
cluster       the machines
policies      what is compared, one table
engine        the replay: the scheduler's snapshot and its passes, a heap of events, no store
figures       what it comes to: waiting, completion, utilisation, fragmentation, fairness
chart         the same as SVG
"""
