"""``python -m benchmarks``: measure, print the table, write results.json."""

import argparse
import sys
from pathlib import Path

from . import peers_race, studies, table


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Times ltcbook beside its peers."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short sequences and few samples, two to three minutes; writes nothing",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="only the race with JAX, diffrax and torch.compile, as far as they are installed",
    )
    parser.add_argument(
        "--show", action="store_true", help="print the stored results again; measures nothing"
    )
    parser.add_argument(
        "--out", type=Path, help="where to write the results (default: benchmarks/results.json)"
    )
    options = parser.parse_args(argv)
    if options.show:
        print(table.render(table.load(options.out or table.RESULTS)))
        return 0
    plan = (
        studies.Plan(quick=True, rounds=3, budget=4, names=("W1", "W2", "W3"))
        if options.quick
        else studies.Plan()
    )
    out = options.out or (None if options.quick else table.RESULTS)
    stored = table.load(out) if out and out.exists() else {}
    if options.peers and out and not stored:
        print(
            f"stopped: {out} is not there, and the peers are added to it; run `make bench`.", file=sys.stderr
        )
        return 1
    try:
        if options.peers:
            peers = peers_race.run(plan)
            results = stored | {"peers": peers}
        else:
            results = studies.run(plan) | {key: stored[key] for key in ("peers",) if key in stored}
    except (studies.measure.Disagreement, MemoryError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    if out:
        table.save(results, out)
    print("\n".join(table.peers_told(peers)) if options.peers else table.render(results))
    print("\nNothing was written (quick run)." if out is None else f"\nWritten to {out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
