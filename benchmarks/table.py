"""From ``results.json`` to what is read: one table, and the goals with what became of them."""

import json
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
BASE = "ncps LTC"
FAST = "ltcbook numba"
WINDOWS = "ltcbook windows"
EXACT = "ltcbook numba, extrapolated"
AWAKE, ASLEEP = "as torch comes", "OMP_WAIT_POLICY=PASSIVE"  # how torch's own threads wait
AVX2 = "the same CPU told to use AVX2 only"
REFERENCE = "largest distance of ours from the float64 reference"

# what is asked: (what, workload, must, aim); "at most" goals are marked by a leading "<"
# how much longer than their gates alone the kernels may take, as an aim
LIMIT = {"W1": 3.0, "W2": 2.6, "W3": 2.2, "W4": 2.5}
SPEED = {"W1": (25, 60), "W2": (30, 70), "W3": (40, 75), "W4": (400, 600)}


def load(path=RESULTS):
    """The results that lie in a file."""
    return json.loads(Path(path).read_text("utf8"))


def save(results, path=RESULTS):
    """Write results, numbers to six digits, so that two runs can be compared line by line."""
    results = shorter(results)
    results["goals"] = shorter(goals(results))
    Path(path).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf8")


def shorter(value):
    """The same, floats to six digits."""
    if isinstance(value, dict):
        return {key: shorter(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [shorter(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


# --- goals ------------------------------------------------------------------------------------------------


def goals(results):
    """What was asked and reached: dictionaries with goal, where, reached, must, aim, most and verdict.

    most: whether the goal is an upper limit. verdict: what was reached, "aim" or "must"; "missed", or "aim
    missed" where nothing had to be; or "not measured".
    """
    found = []

    def add(goal, where, reached, must, aim=None, most=False):
        good = lambda limit: limit is not None and (reached <= limit if most else reached >= limit)
        if not isinstance(reached, (int, float)):
            reached, verdict = None, "not measured"
        else:
            verdict = "aim" if good(aim) else "must" if good(must) else "missed" if must else "aim missed"
        found.append(
            {
                "goal": goal,
                "where": where,
                "reached": reached,
                "must": must,
                "aim": aim,
                "most": most,
                "verdict": verdict,
            }
        )

    for name, limits in SPEED.items():
        add("training step, times faster than ncps", name, ratio(results, "training", name, FAST), *limits)
    for name in SPEED:
        add(
            "training at equal or better accuracy, times faster",
            name,
            ratio(results, "training", name, EXACT),
            60,
            100,
        )
    for name, aim in LIMIT.items() if results.get("limit") else ():
        add("kernels, times longer than their gates alone", name, apart(results, name), None, aim, most=True)
    second = told_avx2(results)
    for name, limits in SPEED.items() if second else ():
        one = {"training": {name: second[name]["training"]}} if name in second else {}
        add(f"training step, {AVX2}", name, ratio(one, "training", name, FAST), *limits)
        add(f"at equal or better accuracy, {AVX2}", name, ratio(one, "training", name, EXACT), 60, 100)
    for name, aim in LIMIT.items() if second else ():
        far = apart({"limit": {name: second[name]["limit"]}} if name in second else {}, name)
        add(f"kernels over their gates alone, {AVX2}", name, far, None, aim, most=True)
    ours, plain = (seconds(results, "training", "W1", name) for name in (FAST, "nn.RNN"))
    add("training step, times the speed of nn.RNN", "W1", plain / ours if ours and plain else None, None, 1)
    add("one trajectory, times faster than ncps", "W5", ratio(results, "inference", "W5", FAST), 100, 350)
    add(
        "one trajectory in windows, times faster than ncps",
        "W5",
        ratio(results, "inference", "W5", WINDOWS),
        750,
    )
    in_windows = ratio(results.get("windows", {}), "W5", "training", WINDOWS)
    add("training on 4000 steps in windows, times faster than in order", "W5", in_windows, 1.8)
    threads = results.get("windows", {}).get("W5", {}).get("threads", {}).get(ASLEEP)
    for what in ("training", "inference") if isinstance(threads, dict) else ():
        reached = threads[what]["ratio"]["median"]
        add(f"windows on two threads ({ASLEEP}), times faster than on one", f"W5, {what}", reached, 1.6)
    if seeds := results.get("seeds", {}).get("W1"):
        many = list(seeds["times"].values())[-1]["ratio"]["median"]
        add("many seeds in one stack, times faster per network than one by one", "W1", many, 3, 5)
    for name in ("W3", "W4"):
        add("memory of a training step, times less than ncps", name, saved(results, name), 100, 1000)
    for digits, limits in (("float32", (1e-6, 1e-5)), ("float64", (1e-12, 1e-12))):
        for what, limit in zip(("outputs", "gradients"), limits, strict=True):
            worst = [
                (entry[what], name.removeprefix("ltcbook ").removesuffix(", float64"))
                for peers in results.get("agreement", {}).values()
                for name, entry in peers.items()
                if name.startswith("ltcbook") and name.endswith("float64") == (digits == "float64")
            ]
            far, whose = max(worst, default=(None, "all"))
            add(REFERENCE, f"{what}, {digits}: {whose}", far, limit, most=True)
    start = results.get("start", {}).get("first", {})
    for when, limit in (("nothing compiled", 10), ("compiled before", 1)):
        add(
            "seconds that the first training step of a process takes", when, start.get(when), limit, most=True
        )
    gpu = results.get("gpu") or {}
    for name, must, aim in (("W1", 50, 200), ("W2", 50, 200), ("W3", 50, 200), ("W5", 300, 1000)):
        best = [
            entry["ratio"]["median"]
            for peer, entry in gpu.get(name, {}).items()
            if peer.startswith("ltcbook")
        ]
        add("on a GPU, times faster than ncps there", name, max(best, default=None), must, aim)
    return found


def ratio(results, study, work, peer):
    """Median of how many times faster than ncps, or None."""
    return results.get(study, {}).get(work, {}).get(peer, {}).get("ratio", {}).get("median")


def seconds(results, study, work, peer):
    """Median seconds, or None."""
    return results.get(study, {}).get(work, {}).get(peer, {}).get("seconds", {}).get("median")


def apart(results, work):
    """How much longer the kernels take than their gates alone, or None."""
    return results.get("limit", {}).get(work, {}).get("both", {}).get("median")


def told_avx2(results):
    """Workload -> what was measured on the same CPU told to use AVX2 only; empty where nothing was."""
    return {
        name: found for name, found in results.get("avx2", {}).items() if found and isinstance(found, dict)
    }


def saved(results, work):
    """Times less memory than ncps, or None."""
    taken = results.get("memory", {}).get(work, {})
    theirs, ours = taken.get(BASE), taken.get(FAST)
    return theirs / ours if isinstance(theirs, float) and isinstance(ours, float) and ours else None


# --- the table --------------------------------------------------------------------------------------------


def short(value):
    """A positive number in three digits, without an exponent where it can be."""
    if value >= 99.5:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 9.95 else f"{value:.0f}"


def clock(value):
    """Seconds in the unit that reads best."""
    unit, factor = next((u for u in (("s", 1), ("ms", 1e3), ("µs", 1e6)) if value * u[1] >= 1), ("µs", 1e6))
    return f"{short(value * factor)} {unit}"


def spread(entry):
    """Half the distance of the quartiles, in percent of the median."""
    return f"±{50 * (entry['high'] - entry['low']) / entry['median']:.0f} %" if entry["median"] else ""


def everybody(entries):
    """The names in several dictionaries, each once, in their order."""
    return list(dict.fromkeys(name for entry in entries for name in entry))


def rows(results, study, works):
    """Lines of a study: everybody's ratio to ncps, spread and median time, a column per workload."""
    table = results.get(study, {})
    for name in everybody(table.get(work, {}) for work in works):
        cells = []
        for work in works:
            entry = table.get(work, {}).get(name)
            if entry is None:
                cells.append("-")
            else:
                times, took = entry["ratio"], entry["seconds"]["median"]
                wavers = spread(entry["seconds"] if name == BASE else times)
                cells.append(f"{short(times['median'])}x {wavers} ({clock(took)})")
        yield name, cells


def distances(found):
    """Lines of the study of the limit: a column per workload."""
    for name in ("forward", "backward", "both", "step") if found else ():
        yield (
            "whole training step" if name == "step" else name,
            [f"{entry[name]['median']:.2f} {spread(entry[name])}" for entry in found.values()],
        )
    if found:
        seconds = [entry["seconds"]["median"] for entry in found.values()]
        yield "one gate alone", [f"{1e9 * value:.3f} ns" for value in seconds]
        yield "in a loop of", [entry["sigmoid"] for entry in found.values()]


def at_cost(curves, name, cost=6):
    """The error at that many evaluations per input, or at the fewest beyond, then with their number.

    dopri5: with the loosest tolerance that is as exact as the fused steps at that cost.
    """
    bar = dict(map(tuple, curves["fused"]))[cost] if name == "dopri5" else float("inf")
    beyond = [
        (evaluations, error)
        for evaluations, error in curves.get(name, [])
        if evaluations >= cost and error <= bar
    ]
    if not beyond:
        return "-"
    evaluations, error = beyond[0]
    wrong = "unstable" if error > 1 else f"{error:.1e}"
    return wrong if evaluations == cost else f"{wrong} (with {evaluations:.0f})"


def fewer(entry, name):
    """Kernels started, times fewer than ncps starts, and how often the CPU waits."""
    starts, reads = entry[name]["starts"], entry[name]["reads"]
    return f"{starts:,} ({short(entry[BASE]['starts'] / starts)}x), {reads} reads"


def lines(results):
    """(heading, columns, rows) of every part of the table."""
    works = [name for name in results["workloads"] if name != "W5"]
    heads = [
        f"{name}{'*' if info['timed'] < info['steps'] else ''}"
        for name, info in results["workloads"].items()
        if name != "W5"
    ]
    yield "Training step: times faster than ncps, spread (time)", heads, rows(results, "training", works)
    yield "Inference: the same", heads, rows(results, "inference", works)
    long = [("inference", "simulated"), ("training", "trained, 1000 steps")]
    present = [(study, says) for study, says in long if "W5" in results.get(study, {})]
    both = {says: dict(rows(results, study, ["W5"])) for study, says in present}
    yield (
        "W5, one trajectory",
        list(both),
        [(name, [part.get(name, ["-"])[0] for part in both.values()]) for name in everybody(both.values())],
    )
    if windows := results.get("windows", {}).get("W5"):
        both = ["training", "inference"]
        threads = {says: found for says, found in windows["threads"].items() if isinstance(found, dict)}
        yield (
            "W5 on 4000 steps: times faster than the kernels in order",
            both,
            [
                *rows({"W5": windows}, "W5", both),
                *(
                    (f"{row} ({says})", [f"{short(found[study][what]['median'])}x" for study in both])
                    for row, what in (
                        ("two threads, times faster than one", "ratio"),
                        ("the same for gates alone", "gates"),
                    )
                    for says, found in threads.items()
                ),
            ],
        )
    if seeds := results.get("seeds", {}).get("W1"):
        theirs = seeds["times"][BASE]["seconds"]["median"]
        yield (
            "W1, whole trainings by train.fit: time per network and step",
            ["time", "times faster than one by one", "than ncps"],
            [
                (
                    name,
                    [
                        clock(entry["seconds"]["median"]),
                        f"{short(entry['ratio']['median'])}x",
                        f"{short(theirs / entry['seconds']['median'])}x",
                    ],
                )
                for name, entry in seeds["times"].items()
            ],
        )
        yield (
            "W1, part of a training that compiled functions take",
            ["part"],
            [(name, [f"{100 * part['median']:.0f} %"]) for name, part in seeds["compiled"].items()],
        )
    if any(results.get("two_threads", {}).values()):
        yield "Training step on two threads, wall time", heads, rows(results, "two_threads", works)

    second = told_avx2(results)
    for says, found in (
        ("", results.get("limit", {})),
        (f", {AVX2}", {name: entry["limit"] for name, entry in second.items()}),
    ):
        yield f"How much longer the kernels take than their gates alone{says}", list(found), distances(found)
    yield (
        f"Training step: times faster than ncps, {AVX2}",
        list(second),
        rows({"training": {name: entry["training"] for name, entry in second.items()}}, "training", second),
    )

    memory = results.get("memory", {})
    names = everybody(memory.get(work, {}) for work in works)
    say = lambda v: "-" if v is None else f"{short(v)} MB" if isinstance(v, (int, float)) else "not measured"
    yield (
        "Memory of a training step beyond what is there before it",
        heads,
        [(name, [say(memory.get(work, {}).get(name)) for work in works]) for name in names],
    )

    accuracy = results.get("accuracy", {})
    yield (
        "Relative RMS error against DOP853, float64, for the 6 gate evaluations per input that ncps pays",
        list(accuracy),
        [
            (name, [at_cost(curves, name) for curves in accuracy.values()])
            for name in next(iter(accuracy.values()), {})
        ],
    )

    density = results.get("density", {})
    names = everybody(entry["seconds"] for entry in density.values())
    table = [
        (
            f"{name}",
            [
                f"{clock(entry['seconds'][name]['median'])}, {say(entry['memory'].get(name))}"
                if name in entry["seconds"]
                else "-"
                for entry in density.values()
            ],
        )
        for name in names
    ]
    yield (
        "256 units by density: time and memory of a training step",
        [f"{100 * float(share):g} %" for share in density],
        table,
    )

    launches = results.get("launches", {})
    yield (
        "Kernels that a training step would start on a GPU (times fewer than ncps): counted, not timed",
        list(launches),
        [
            (name, [fewer(entry, name) for entry in launches.values()])
            for name in everybody(launches.values())
        ],
    )

    gpu = results.get("gpu") or {}
    if gpu:
        timed = {name: {k: v for k, v in entry.items() if k != "steps"} for name, entry in gpu.items()}
        yield (
            f"On the GPU ({results['machine']['gpu']}): W1 to W3 trained, W5 simulated, all steps",
            list(gpu),
            rows({"gpu": timed}, "gpu", list(gpu)),
        )


def block(heading, columns, table):
    """The lines of a table with a heading."""
    wide = max([len(name) for name, _ in table] + [30])
    widths = [max(len(column), *(len(cells[k]) for _, cells in table)) for k, column in enumerate(columns)]
    drawn = lambda name, cells: "  ".join(
        [name.ljust(wide), *(c.rjust(w) for c, w in zip(cells, widths, strict=True))]
    )
    ruler = "-" * min(len(heading), 100)
    return ["", heading, ruler, drawn("", columns), *(drawn(name, cells) for name, cells in table)]


def peers_told(study):
    """The study of the optional peers as lines: where it was measured, a table for each workload, and what
    was missing.
    """
    machine = study["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items() if number)
    out = [f"Peers that one would pick instead: {study['date']}, {machine['cpu']}, {packages}"]
    for work, found in study["works"].items():
        parts = [dict(rows({what: {work: found[what]}}, what, [work])) for what in ("training", "inference")]
        table = [
            (name, [*(part[name][0] for part in parts), compiles(found, name), distance(found, name)])
            for name in found["training"]
        ]
        heading = f"{work}: times faster than ncps, spread (time)"
        out += block(heading, ["training step", "inference", "to compile", "distance"], table)
        out += [f"{name}: {why}" for name, why in found["missing"].items()]
        out.append(f"The error of ncps, as of those with an error: {found['bar']:.1e}")
    return out


def compiles(found, name):
    """Seconds that compiling a training step took, for those who do it for every network and every size."""
    took = found["compile"].get(name)
    return "-" if took is None else f"{short(took)} s"


def distance(found, name):
    """How far outputs and gradients are from the float64 reference, or how exact the solution is."""
    if name in found["exactness"]:
        return f"error {found['exactness'][name]['error']:.1e}"
    far = found["agreement"].get(name)
    return f"{max(far.values()):.1e}" if far else "-"


def processor(machine):
    """The kind of CPU in words, and whether two threads have a core each."""
    together = machine["side_by_side"]
    shared = "a core each" if together < 1.2 else "one core together"
    return (
        f"numba compiles for {machine['kind']} ({', '.join(machine['flags'])}); two threads have {shared}: a "
        f"loop takes {together:.2f} times as long beside another one"
    )


def render(results):
    """The whole table as text."""
    machine = results["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items() if number)
    cut = [
        f"{name} on {info['timed']} of its {info['steps']} steps"
        for name, info in results["workloads"].items()
        if info["timed"] < info["steps"]
    ]
    why = "quick run." if results["quick"] else "ncps would not fit in an ordinary memory."
    out = [
        f"{results['date']}, {machine['cpu']}, {machine['cores']} cores, load {results['load']}",
        *([processor(machine)] if "kind" in machine else []),
        f"Python {machine['python']}, {packages}",
        "CPU time of one thread, everybody in turn in one process; medians, ± half the quartiles' distance",
        "(of ncps's times, of the others' ratios).",
        *(f"* {work}: {why}" for work in cut),
        "" if results.get("gpu") else "No GPU here: nothing was measured on one.",
        "",
    ]
    for name, info in results["workloads"].items():
        out.append(
            f"{name}: {info['says']}; {info['inputs']} inputs, {info['synapses']} + {info['synapses_in']} "
            f"synapses, batch {info['batch']}, {info['steps']} steps"
        )
    for heading, columns, table in lines(results):
        table = list(table)
        if not table:
            continue
        out += block(heading, columns, table)
    if results.get("peers"):
        out += ["", *peers_told(results["peers"])]
    if not any(results.get("two_threads", {}).values()) and not results["quick"]:
        out += ["", "On two threads nothing was timed: other programs kept the cores busy."]
    out += ["", "Goals", "-----"]
    for goal in results["goals"]:
        reached = "-" if goal["reached"] is None else short(goal["reached"])
        limit = " ".join(
            f"{what} {'<=' if goal['most'] else '>='} {goal[what]:g}"
            for what in ("must", "aim")
            if goal[what] is not None
        )
        out.append(f"{goal['verdict']:<13} {goal['where']:<30} {goal['goal']:<56} {reached:>8}   {limit}")
    return "\n".join(out)
