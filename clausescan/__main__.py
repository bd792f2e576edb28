"""`python -m clausescan`."""

from clausescan.cli import main

main()
