"""The one source of truth for every JSON shape: clause fields, the model's answer, the report and the transcript.

`schemas/*.json` are generated from these models by `clausescan schema --write`; a test keeps them in step.
"""
