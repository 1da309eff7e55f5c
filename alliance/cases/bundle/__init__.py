"""A case's bundle: one archive that stands up later, verified by whoever has it and nothing else.

Rules:

1. Every byte follows from the manifest: headers and padding are derived, never read, and each file has its digest.
2. The officer's key signs the manifest, the liaison vouches for the officer, the hub's log for the liaison.
3. What people read (the releases' text) is derived from what was signed, and held against it.
4. Who verifies needs the bundle and, to know whose alliance it is, the hub's key from elsewhere.
"""
