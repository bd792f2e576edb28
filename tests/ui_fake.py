"""The page with a model that knows the test's pages; what it does follows from the photos' names, as in batches."""

import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from clausescan import scan
from clausescan.ui.server import ServerSettings, serve
from tests import batch_fake, specimen

HOSTILE = (
    "MASTER AGREEMENT",
    """'"><img src=x onerror=document.title='pwned'> <script>document.title='pwned'</script> ${document.title='pwned'}""",
    "{{value}} {{#each value}} thirty (30) days' notice &amp; `${alert(1)}` </section></style>",
    "cure period of ten (10) Business Days. § “quoted” café",
    "Page 7",
    "12. Limitation of Liability. US$ 1,000,000,",
    "except for fraud.",
    "13. Indemnity. Supplier shall indemnify <b>Customer</b>.",
)


def load(config):
    model = batch_fake.load(config)
    rectify = scan.rectify
    plain, hostile = model.text, specimen.reading(HOSTILE)
    passages = model.passages
    shorter = tuple(replace(p, last=(p.last[0], len(hostile.lines[p.last[0]].words) - 1)) for p in passages)

    def choose(photo, *, readability=None):
        page = rectify(photo, readability=readability)
        model.text = hostile if "hostile" in photo.name else plain
        model.passages = shorter if "hostile" in photo.name else model.passages
        if "long" in photo.name:
            time.sleep(1)
        return page

    scan.rectify = choose
    return model


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    host, port = sys.argv[1:3]
    password = Path(sys.argv[3]).read_text() if len(sys.argv) > 3 else None
    serve(ServerSettings(host, int(port), password), load)
