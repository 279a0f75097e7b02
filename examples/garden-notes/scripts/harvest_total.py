#!/usr/bin/env python3
"""Adds up the harvest by crop. Reads harvest-2026.csv next to the notes."""
import csv
from collections import defaultdict

totals = defaultdict(float)
with open("harvest-2026.csv", newline="") as file:
    for row in csv.DictReader(file):
        # FIXME: "chard" and "swiss chard" are counted apart
        totals[row["crop"]] += float(row["kilograms"])

# TODO: write the totals into the plan by themselves
for crop, kilograms in sorted(totals.items(), key=lambda item: -item[1]):
    print(f"{crop:12} {kilograms:6.1f} kg")
