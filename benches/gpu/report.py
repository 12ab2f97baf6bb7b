#!/usr/bin/env python3
"""Reads what `kit run` left: one figure of a step, the page with every table, its file's name. It measures nothing.

report.py figure STEP TEXT OUT     the words of a step's output that tell most
report.py page OUT                 all of it as markdown, predictions beside measurements
report.py name OUT                 <adapter>-<date>
"""

import json
import math
import pathlib
import re
import sys

from predictions import PREDICTIONS, number, ops, variants

FILES = ["bench", "lab", "peers", "stream"]
STEPS = ["facts", "limits", "overlap", "copies", "lab", "kernels", "peers", "stream", "tests", "conformance"]


def loaded(out):
    """Results by the name of their file; a file that is missing or broken is None."""
    results = {}
    for name in FILES:
        try:
            results[name] = json.loads((out / f"{name}.json").read_text())
        except (OSError, ValueError):
            results[name] = None
    results["meta"], results["steps"] = steps(out)
    results["log"] = (out / "log.txt").read_text(errors="replace") if (out / "log.txt").exists() else ""
    results["overlap"] = overlaps(results["log"])
    return results


def steps(out):
    meta, rows = {}, []
    for line in (out / "steps.tsv").read_text(errors="replace").splitlines():
        kind, *cells = line.split("\t")
        if kind == "meta" and len(cells) >= 2:
            meta[cells[0]] = " ".join(cells[1:]).strip()
        elif kind == "step" and len(cells) >= 4:
            rows.append({"step": cells[0], "seconds": float(cells[1]), "state": cells[2], "figure": cells[3]})
    return meta, rows


def shown(value):
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list):
        return "×".join(map(str, value)) if all(isinstance(v, int) for v in value) else ", ".join(map(shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items())
    return str(value).replace("|", "/").replace("\n", " ")


def table(rows, columns):
    """Markdown: columns are pairs of a title and a key or a function."""
    cell = lambda row, of: shown(of(row) if callable(of) else row.get(of))  # noqa: E731
    lines = ["| " + " | ".join(title for title, _ in columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(cell(row, of) for _, of in columns) + " |" for row in rows]


def tree(part):
    """A part of results whatever its form: rows as a table of all of their keys, one thing as names and values."""
    if isinstance(part, list) and part and all(isinstance(row, dict) for row in part):
        keys = list(dict.fromkeys(key for row in part for key in row))
        return table(part, [(key.replace("_", " "), key) for key in keys])
    if isinstance(part, dict) and part:
        return table([{"what": key, "value": value} for key, value in flat(part)], [("what", "what"), ("", "value")])
    return ["Nothing was measured."]


def flat(part, above=""):
    """Names and values, those of inner parts behind the name of theirs."""
    for key, value in part.items():
        words = f"{above}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from flat(value, f"{words}: ")
        else:
            yield words, value


# One figure of each step.


def _lines(text, pattern):
    return [match for line in text.splitlines() for match in [re.search(pattern, line)] if match]


def overlaps(text):
    """GB/s by mode, of chunks of 64 MiB or of the first size that was tried."""
    rates = {}
    for found in _lines(text, r"^(\w+) .*?([\d.]+) GB/s in .*?\((\d+) \d+ 1 \d+ \w+\)"):
        mode, rate, size = found[1], float(found[2]), found[3]
        if mode not in rates or size == "64":
            rates[mode] = rate
    for found in _lines(text, r"^import .*?\(([\d.]+) GB/s in \+ out\)"):
        rates["import"] = float(found[1])
    return rates


def _limits(text, results):
    fine = len(_lines(text, r"ok=true|max err 0e0"))
    bad = len(_lines(text, r"ok=false")) + len(_lines(text, r"max err (?!0e0)"))
    largest = _lines(text, r"max_storage_buffer_binding_size: (\d+)")
    words = f"bindings up to {int(largest[0][1]) >> 20} MiB, " if largest else ""
    return f"{words}{fine} kernels right, {bad} otherwise"


def _overlap(text, results):
    rates = overlaps(text)
    best = sorted(rates.items(), key=lambda pair: -pair[1])
    wrong = len(_lines(text, r"ok=false"))
    missing = len(_lines(text, r": failed|: not reached"))
    words = ", ".join(f"{mode} {rate:.3g}" for mode, rate in best[:4]) or "no mode ran"
    return f"GB/s each way: {words}; {wrong} wrong, {missing} failed or not reached"


def _peers_told(results):
    peers = results["peers"] or {}
    rates = [f"{key[:-5]} {peers[key]:.4g}" for key in ("copy_gb_s", "up_gb_s", "down_gb_s", "duplex_gb_s") if peers.get(key)]
    missing = [row["library"] for row in peers.get("rows", []) if str(row["verdict"]).startswith("not here")]
    return peers, rates, f"; not here: {', '.join(missing)}" if missing else ""


def _copies(text, results):
    _, rates, missing = _peers_told(results)
    return f"GB/s: {', '.join(rates) or 'none'}{missing}"


def _peers(text, results):
    peers, _, missing = _peers_told(results)
    timed = [row for row in peers.get("rows", []) if row.get("device_ms")]
    return f"{len(timed)} rows, {peers.get('wrong', 0)} wrong or unchecked{missing}"


def _lab(text, results):
    rows = (results["lab"] or {}).get("variants", [])
    wrong = [row["name"] for row in rows if row.get("right") is False]
    gains = []
    for family in dict.fromkeys(row["family"] for row in rows):
        right = variants(results, family)
        today = next((row for row in right if row["name"].endswith("_today")), None)
        best = min(right, key=lambda row: row["ms"], default=None)
        if today and best and best is not today:
            gains.append((today["ms"] / best["ms"], f"{best['name']} {today['ms'] / best['ms']:.1f}× today's"))
    words = max(gains)[1] if gains else "no gain over today's"
    return f"{len(rows)} variants, {len(wrong)} wrong{': ' + ', '.join(wrong) if wrong else ''}; {words}"


def _bench(name):
    def told(text, results):
        found = results[name] or {}
        rows = (found.get("parts") or {}).get("ops") or []
        copy = max((row.get("gb_s") or 0 for row in (found.get("parts") or {}).get("copy") or []), default=0)
        words = f"copy {copy:.4g} GB/s, " if copy else ""
        best = max((row for row in rows if row.get("rho")), key=lambda row: row["rho"], default=None)
        most = f", best ρ {best['rho']:.2g} ({best['op']} {best['dtype']})" if best else ""
        return f"{words}{len(rows)} rows, {found.get('wrong', '?')} wrong{most}"

    return told


def _stream(text, results):
    part = ((results["stream"] or {}).get("parts") or {}).get("stream") or {}
    rates = [f"{who} {shown(number(part, f'{key}.in_gb_s'))} GB/s" for key, who in (("gpu", "GPU"), ("cpu", "CPU"))]
    least = f"{part['share_of_least']:.0%} of {part['limits']['least']}, " if part.get("share_of_least") else ""
    return f"{', '.join(rates)} each way, {least}{part['verdict']}" if part else "no figures"


def _tests(text, results):
    fine, bad = len(_lines(text, r"^test .* \.\.\. ok$")), _lines(text, r"^test (.*) \.\.\. FAILED$")
    all_of_them = _lines(text, r"^running (\d+) tests")
    words = f" of {all_of_them[0][1]}" if all_of_them else ""
    return f"{fine}{words} passed, {len(bad)} failed{': ' + ', '.join(b[1] for b in bad[:4]) if bad else ''}"


def _conformance(text, results):
    fine = len(_lines(text, r"^\w+ +\w+ +GPU, "))
    bad = [found[1] for found in _lines(text, r"^(\w+): failed$")]
    left = [found[1] for found in _lines(text, r"^(\w+): not reached$")]
    words = f"{fine} ops × dtypes as promised"
    return words + (f"; failed: {', '.join(bad)}" if bad else "") + (f"; not reached: {', '.join(left)}" if left else "")


FIGURES = {"limits": _limits, "overlap": _overlap, "copies": _copies, "lab": _lab, "kernels": _bench("bench")}
FIGURES |= {"peers": _peers, "stream": _stream, "tests": _tests, "conformance": _conformance}


def figure(step, text, out):
    return FIGURES[step](pathlib.Path(text).read_text(errors="replace"), loaded(out))


# The page.


def adapter(results):
    found = [(results[name] or {}).get("adapter") for name in ("bench", "stream")]
    return next((told for told in found if isinstance(told, dict)), {})


def head(results):
    meta, found = results["meta"], adapter(results)
    name = meta.get("adapter") or "no adapter"
    rows = [
        ("commit", meta.get("commit")),
        ("command", meta.get("command")),
        ("built", meta.get("built")),
        ("date", meta.get("date")),
    ]
    rows += [(key, meta.get(key)) for key in ("machine", "system", "nvidia", "bar", "wgpu") if meta.get(key)]
    rows += [(key, value) for key, value in flat(found) if key != "name"]
    lines = [f"# {name}, {meta.get('date', 'no date')}", ""]
    if is_software(results):
        lines += ["**A rehearsal on a software driver**: answers count, times say nothing.", ""]
    pairs = [{"what": key.replace("_", " "), "value": value} for key, value in rows]
    return lines + table(pairs, [("what", "what"), ("", "value")])


def is_software(results):
    kind = str(adapter(results).get("kind") or (results["lab"] or {}).get("kind") or "")
    name = results["meta"].get("adapter", "").lower()
    return kind == "Cpu" or "llvmpipe" in name or "--dry" in results["meta"].get("command", "")


def is_shared(results):
    return str(adapter(results).get("kind")) == "IntegratedGpu"


def is_small(results):
    """Whether ops ran on so little that edges count."""
    shapes = [row["shape"] for row in ((results["bench"] or {}).get("parts") or {}).get("ops") or []]
    return bool(shapes) and math.prod(shapes[0]) < 4 << 20


def judged(prediction, results):
    """The measured figure, and whether it is what was foreseen."""
    value = prediction.measured(results)
    low, high = (is_shared(results) and prediction.shared) or (prediction.low, prediction.high)
    said = f"{low:g}-{high:g}" if low != high else f"{low:g}"
    if value is None:
        return said, None, "missing: not measured"
    if prediction.counted and is_small(results):
        return said, value, "not judged: halos of small arrays"
    if not prediction.counted and is_software(results):
        return said, value, "not judged: software"
    # Two digits were foreseen, so what rounds to the range is in it.
    inside = low * 0.95 <= value <= high * 1.05
    return (
        said,
        value,
        "held" if inside else f"{'below' if value < low else 'above'}: {value / (low if value < low else high):.2g} of it",
    )


def foreseen(results):
    lines = ["## Predictions beside measurements", ""]
    lines += [
        "Foreseen for an H100 with 16 cores, or, where memory is shared, for a laptop's GPU; from reading the code, before any run.",
        "",
    ]
    rows = []
    for p in PREDICTIONS:
        said, value, verdict = judged(p, results)
        unit = f" {p.unit}" if p.unit else ""
        rows.append(
            {
                "of": f"{p.group}: {p.what}",
                "said": said + unit,
                "value": shown(value) + (unit if value else ""),
                "verdict": verdict,
                "why": p.why,
            }
        )
    columns = [("of", "of"), ("foreseen", "said"), ("measured", "value"), ("", "verdict"), ("why it was foreseen", "why")]
    held = sum(row["verdict"] == "held" for row in rows)
    known = sum(not row["verdict"].startswith(("missing", "not judged")) for row in rows)
    return [*lines, *table(rows, columns), "", f"{held} of {known} held; {len(rows) - known} could not be judged."]


OP_COLUMNS = [
    ("op", "op"),
    ("dtype", "dtype"),
    ("shape", "shape"),
    ("dispatches", "dispatches"),
    ("B/px", "bytes_px"),
    ("device ms", "device_ms"),
]
OP_COLUMNS += [("Gpx/s", "gpx_s"), ("ρ", "rho"), ("CPU Gpx/s", "cpu_gpx_s"), ("answer", "verdict")]


def benched(results):
    lines = []
    for part, file in [("copy", "bench"), ("transfer", "stream"), ("dispatch", "bench"), ("compile", "bench")]:
        found = ((results[file] or {}).get("parts") or {}).get(part)
        lines += [f"### {part.capitalize()}", "", *(tree(found) if found else [f"Missing: no `{part}` in {file}.json."]), ""]
    rows = ((results["bench"] or {}).get("parts") or {}).get("ops")
    lines += ["### Ops", "", *(table(rows, OP_COLUMNS) if rows else ["Missing: no `ops` in bench.json."]), ""]
    return ["## stackmill bench gpu", "", *lines]


def labbed(results):
    rows = (results["lab"] or {}).get("variants")
    columns = [("family", "family"), ("variant", "name"), ("ms", "ms"), ("Gpx/s", "gpx_s"), ("B/px", "bytes_px"), ("ρ", "rho")]
    columns += [("compile ms", "compile_ms"), ("right", "right"), ("", "why")]
    size = shown((results["lab"] or {}).get("size"))
    lines = (
        [f"Size {size}, copy {shown((results['lab'] or {}).get('copy_gbs'))} GB/s.", "", *table(rows, columns)]
        if rows
        else ["Missing: no lab.json."]
    )
    return ["## Candidates", "", *lines, ""]


def peered(results):
    peers = results["peers"] or {}
    columns = [
        ("op", "op"),
        ("dtype", "dtype"),
        ("shape", "shape"),
        ("device ms", "device_ms"),
        ("Gpx/s", "gpx_s"),
        ("ρ", "rho"),
        ("library", "library"),
    ]
    columns += [("how", "how"), ("stackmill Gpx/s", lambda row: ours(results, row)), ("answer", "verdict")]
    rates = ", ".join(f"{key[:-5]} {shown(peers.get(key))}" for key in ("copy_gb_s", "up_gb_s", "down_gb_s", "duplex_gb_s"))
    lines = [f"{', '.join(peers.get('libraries') or ['no library'])}. GB/s: {rates}.", ""] if peers else []
    return [
        "## Peers",
        "",
        *lines,
        *(table(peers["rows"], columns) if peers.get("rows") else ["Missing: no rows in peers.json."]),
        "",
    ]


def ours(results, row):
    found = ops(results, row["op"], dtype=row["dtype"])
    return found[0].get("gpx_s") if found else None


def streamed(results):
    part = ((results["stream"] or {}).get("parts") or {}).get("stream")
    return ["## Stream", "", *(tree(part) if part else ["Missing: no `stream` in stream.json."]), ""]


def probed(results):
    rates = [{"mode": mode, "rate": rate} for mode, rate in sorted(results["overlap"].items(), key=lambda pair: -pair[1])]
    lines = (
        table(rates, [("way to copy and compute", "mode"), ("GB/s in, and as much out", "rate")])
        if rates
        else ["Missing: no mode ran."]
    )
    return ["## Overlap of copies and kernels", "", *lines, ""]


def tested(results):
    """What tests and the matrix said; of what failed, its own words."""
    tests, _, matrix = results["log"].partition("\n== tests: ")[2].partition("\n== conformance: ")
    found = [match[0] for match in _lines(tests, r"^test .*")]
    found += [match[0] for match in _lines(matrix, r"^(\w+ +(u16|f32) +.*|\w+: (failed|not reached))$")]
    for text in (tests, matrix):
        lines = text.splitlines()
        for at in [k for k, line in enumerate(lines) if "panicked at" in line][:4]:
            found += ["", *(line[:300] for line in lines[at : at + 6])]
    return ["## Tests and conformance", "", *(["```", *found, "```"] if found else ["Missing: no test ran."]), ""]


def page(out):
    results = loaded(out)
    rows = results["steps"]
    rows += [
        {"step": name, "state": "missing", "figure": "it did not run"}
        for name in STEPS
        if name not in {row["step"] for row in rows}
    ]
    lines = [*head(results), "", "## Steps", ""]
    lines += table(rows, [("step", "step"), ("s", "seconds"), ("state", "state"), ("what tells most", "figure")])
    lines += ["", *foreseen(results), ""]
    for part in (benched, labbed, peered, streamed, probed, tested):
        lines += part(results)
    return "\n".join(lines).rstrip()


def name(out):
    meta, _ = steps(out)
    words = re.sub(r"[^a-z0-9]+", "-", (meta.get("adapter") or "no-adapter").lower()).strip("-")
    return f"{words}-{meta.get('date') or 'no-date'}"


def main():
    match sys.argv[1:]:
        case ["figure", step, text, out] if step in FIGURES:
            print(figure(step, text, pathlib.Path(out)))
        case ["page", out]:
            print(page(pathlib.Path(out)))
        case ["name", out]:
            print(name(pathlib.Path(out)))
        case _:
            print(__doc__, file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main()
