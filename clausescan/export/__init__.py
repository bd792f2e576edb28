"""Reports and transcripts in the formats people take away. One function a format."""

from clausescan.export.json_text import to_json as to_json
