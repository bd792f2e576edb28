"""Reports and transcripts in the formats people take away: a module a format, and one table of them in `formats`."""

from clausescan.export.json_text import to_json as to_json
