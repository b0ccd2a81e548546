"""Attributes that a pull request changes, and parts of them: fixtures/checks."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import scenario_case  # noqa: E402  # beside this file

scenario_case.add_tests(globals(), "attributes", "collections")

if __name__ == "__main__":
    unittest.main()
