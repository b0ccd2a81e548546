"""Resources, modules, units and files that a pull request changes: fixtures/checks."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import scenario_case  # noqa: E402  # beside this file

scenario_case.add_tests(globals(), "resources", "beside", "untrusted")


class Files(unittest.TestCase):
    def test_every_golden_file_is_of_a_scenario(self):
        files = [f.stem for f in scenario_case.CHECKS.glob("*.yaml")]
        names = {f"{name}.{ending}" for name in scenario_case.load(*files)
                 for ending in scenario_case.ENDINGS.values()}
        have = {f.name for f in (scenario_case.CHECKS / "golden").iterdir()}
        self.assertEqual(have - names, set())


if __name__ == "__main__":
    unittest.main()
