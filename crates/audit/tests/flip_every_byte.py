"""Flips every byte that standard input names (`path start end`), one at a time, and prints for each whether the
independent verifier noticed: `path offset 0|1`. Arguments: directory of verify_audit.py, log, verifier key."""
import os, sys

sys.path.insert(0, sys.argv[1])
from verify_audit import Bad, Verification, VerifierKey

log, key = sys.argv[2], VerifierKey(sys.argv[3])
for line in sys.stdin:
    path, start, end = line.split()
    with open(os.path.join(log, path), "r+b", buffering=0) as file:
        for offset in range(int(start), int(end)):
            byte = os.pread(file.fileno(), 1, offset)
            os.pwrite(file.fileno(), bytes([byte[0] ^ 1]), offset)
            try:
                Verification(log, key).run()
                noticed = 0
            except Bad:
                noticed = 1
            os.pwrite(file.fileno(), byte, offset)
            print(path, offset, noticed)
