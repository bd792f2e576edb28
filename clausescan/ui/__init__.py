"""The page in a browser: drop photos, read their clauses, correct them, take them away. `server.serve` is its one entry.

Everything it does with a photo is `scan.extract` and `export`, as on the command line.
Only `blocks`, `handlers` and `server` import Gradio.
"""
