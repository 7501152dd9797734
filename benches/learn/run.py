#!/usr/bin/env python3
"""Catena's learning beside QInfer's, in the same run: prints both tables and the ratios.

Usage: benches/learn/run.py [PYTHON], the Python in whose environment QInfer is (see qinfer_times.py); default: this one.
"""

import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
# The programs are built first, so that nothing but the two runs.
subprocess.run(["cargo", "bench", "--bench", "learn", "--no-run"], cwd=here.parents[1], check=True)
ours = subprocess.run(["cargo", "bench", "--bench", "learn"], cwd=here.parents[1], check=True, capture_output=True, text=True)
theirs = subprocess.run([python, str(here / "qinfer_times.py")], check=True, capture_output=True, text=True)
print(ours.stdout, theirs.stdout, sep="\n")


def rows(text, columns):
    cells = [line.split() for line in text.splitlines()]
    return [[float(x) for x in row] for row in cells if len(row) == columns and row[0].isdigit()]


peer = {row[0]: row[1:] for row in rows(theirs.stdout, 4)}
print("Catena's time over QInfer's (update, with resampling, Liu-West step):")
for models, threads, *times in rows(ours.stdout, 5):
    ratios = "  ".join(f"{own / other:.3f}" for own, other in zip(times, peer[models]))
    print(f"{models:>9.0f} models, {threads:.0f} thread(s): {ratios}")

(gain,) = re.findall(r"one candidate x 100000 particles: ([0-9.]+) ms", theirs.stdout)
for threads, seconds in re.findall(r"1000 candidates x 100000 models, (\d) thread\(s\): ([0-9.]+) s", ours.stdout):
    print(f"information gain of 1000 candidates, {threads} thread(s): {float(seconds) / float(gain):.3f}")
