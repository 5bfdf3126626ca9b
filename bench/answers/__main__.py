"""``python -m bench.answers NEW.npz`` writes the answers of a grid of fits, ``... OLD.npz NEW.npz`` compares two.

Answers of an older version: see ``measure.py``. The exit code of a comparison is 1 if any bit differs.
"""

import sys

from bench.answers import compare, measure

if len(sys.argv) == 3 and all(each.endswith(".npz") for each in sys.argv[1:]):
    sys.exit(compare.compare(*sys.argv[1:]))
sys.exit(measure.main())
