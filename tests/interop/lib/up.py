"""The work behind tests/interop/up."""

import argparse
import sys

import estate


def main():
    parser = argparse.ArgumentParser(prog="up")
    parser.add_argument("--config", default=estate.ESTATE, help="configuration to apply")
    parser.add_argument("--no-apply", action="store_true", help="only start moto, make the repo")
    parser.add_argument("directory")
    args = parser.parse_args()
    try:
        lines = estate.up(args.directory, args.config, not args.no_apply, stays=True)
    except RuntimeError as problem:
        print(f"interop: {problem}", file=sys.stderr)
        return 1
    print(lines, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
