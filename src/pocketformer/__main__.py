"""`python -m pocketformer` is the command `pocketformer`."""

from pocketformer.cli import main

main()
