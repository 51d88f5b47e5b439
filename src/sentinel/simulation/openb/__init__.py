"""Alibaba's openb trace (cluster-trace-gpu-v2023): how full each policy gets a cluster of shared GPUs.

The method is that of the FGD authors' simulator, so that figures can be held against theirs: pods arrive in
random order until they have asked for 130 % of the cluster's GPUs, each is placed when it arrives or never,
and none leaves.
"""
