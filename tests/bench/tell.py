"""Medians, goals, CSV and a chart of what was measured."""
import csv
import math
import os
import pathlib
import statistics
from xml.sax.saxutils import escape

OURS = "roundtrip"
SNAPSHOT, AGAIN, FIRST = "snapshot, 2 % different", "same, re-quoted and shuffled", "first load"
FIGURES = ("case", "rows", "command", "rounds", "wall_s", "cpu_s", "peak_mib", "wall_min_s", "wall_max_s")
GOALS = ("goal", "measured", "at_most", "unit", "met")
CHANGES = {1: "1 changed row", 1000: "1,000 changed rows"}


class Medians:
    def __init__(self, measured):
        self.measured = measured

    def of(self, field, case, rows, label=OURS):
        """None if it was not measured."""
        spent = self.measured.get((case, rows, label))
        return statistics.median(getattr(s, field) for s in spent) if spent else None

    def ratio(self, field, one, other):
        a, b = self.of(field, *one), self.of(field, *other)
        return a / b if a is not None and b else None


def goals(medians, rows):
    """(what, measured, at most, unit); measured is None where something was not run."""
    ours, large = (SNAPSHOT, rows), (SNAPSHOT, rows * 10)
    m, ratio = medians, medians.ratio

    def milliseconds(case, at):
        wall = m.of("wall", case, at)
        return None if wall is None else wall * 1000

    yield "snapshot: wall / wc -l", ratio("wall", ours, (*ours, "wc -l")), 6, ""
    yield "snapshot: wall / DuckDB", ratio("wall", ours, (*ours, "DuckDB, 2 threads")), 0.2, ""
    yield "snapshot: CPU / DuckDB", ratio("cpu", ours, (*ours, "DuckDB, 2 threads")), 0.1, ""
    yield "snapshot: CPU / sqlite3 shell", ratio("cpu", ours, (*ours, "sqlite3 shell")), 0.025, ""
    yield "ten times the rows: CPU", ratio("cpu", large, ours), 11, ""
    yield "snapshot: peak memory", m.of("peak", *ours), 64 + 50 * rows / (1 << 20), "MiB"
    yield "ten times the rows: peak memory", m.of("peak", *large), 64 + 500 * rows / (1 << 20), "MiB"
    yield "1,000 changes, ten times the rows: wall", ratio("wall", (CHANGES[1000], rows * 10), (CHANGES[1000], rows)), 2, ""
    for at in (rows, rows * 10):
        yield f"1,000 changes, {at:,} rows: wall", milliseconds(CHANGES[1000], at), 50, "ms"
        yield f"1,000 changes, {at:,} rows: peak memory", m.of("peak", CHANGES[1000], at), 24, "MiB"
        yield f"1 change, {at:,} rows: wall", milliseconds(CHANGES[1], at), 10, "ms"
    yield "re-quoted and shuffled: wall / snapshot", ratio("wall", (AGAIN, rows), ours), 8, ""
    yield "first load: CPU / sqlite3 shell", ratio("cpu", (FIRST, rows), (FIRST, rows, "sqlite3 shell")), 0.7, ""


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown processor")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def show(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def figure_rows(measured):
    for (case, rows, label), spent in measured.items():
        walls = [s.wall for s in spent]
        yield (case, rows, label, len(spent), f"{statistics.median(walls):.4f}", f"{statistics.median(s.cpu for s in spent):.4f}",
               f"{statistics.median(s.peak for s in spent):.1f}", f"{min(walls):.4f}", f"{max(walls):.4f}")


def print_table(titles, rows):
    rows = [titles, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(titles))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def markdown_table(titles, rows):
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in (titles, ["---"] * len(titles), *rows))


def write(out, where, figures, reached):
    """The tables, for programs and for people."""
    for name, titles, rows in (("speed", FIGURES, figures), ("speed-goals", GOALS, reached)):
        with (out / f"{name}.csv").open("w", newline="") as file:
            put = csv.writer(file, lineterminator="\n")
            put.writerow(titles)
            put.writerows(rows)
    (out / "speed.md").write_text(f"# How fast\n\nWritten by tests/bench/compare.py. {where}.\n\n![chart](speed.svg)\n\n"
                                  f"{markdown_table(GOALS, reached)}\n{markdown_table(FIGURES, figures)}")


def tell(measured, fsync_ms, arguments):
    medians, out = Medians(measured), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    figures = list(figure_rows(measured))
    reached = [(what, show(value), show(limit), unit, "yes" if value <= limit else "no")
               for what, value, limit, unit in goals(medians, arguments.rows) if value is not None]
    where = f"{machine()}; load {os.getloadavg()[1]:.1f}; an fsync takes {fsync_ms:.1f} ms; medians of {arguments.rounds} rounds"
    print(f"\n{where}\n")
    print_table(FIGURES, figures)
    print_table(GOALS, reached)
    write(out, where, figures, reached)
    (out / "speed.svg").write_text(chart(medians, arguments.rows, where))
    print(f"written: speed.md, speed.csv, speed-goals.csv and speed.svg in {out}")


# ---- the chart ----

STYLE = """text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
.title { font-size: 15px; font-weight: 600 } .grid { stroke: #d1d9e0 } .back { fill: #fff }
.wall { fill: #0969da } .cpu { fill: #bc4c00 }
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
.back { fill: #0d1117 } .wall { fill: #4493f8 } .cpu { fill: #f0883e } }"""
LEFT, RIGHT, TOP, STEP = 190, 640, 78, 44


def bars(medians, rows):
    """(label, wall, cpu) of the snapshot, the quickest first."""
    labels = [label for case, at, label in medians.measured if (case, at) == (SNAPSHOT, rows)]
    return sorted(((label, medians.of("wall", SNAPSHOT, rows, label), medians.of("cpu", SNAPSHOT, rows, label))
                   for label in labels), key=lambda bar: bar[1])


def place(value, low, high):
    share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
    return LEFT + share * (RIGHT - LEFT)


def grid(low, high, bottom):
    mark = low
    while mark <= high * 1.001:
        x = place(mark, low, high)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}"/>'
        yield f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{mark:g} s</text>'
        mark *= 10


def pair(y, label, wall, cpu, ends):
    weight = ' style="font-weight: 600"' if label == OURS else ""
    yield f'<text x="{LEFT - 10}" y="{y + 18}" text-anchor="end"{weight}>{escape(label)}</text>'
    for word, value, at in (("wall", wall, y), ("cpu", cpu, y + 15)):
        end = place(value, *ends)
        yield f'<rect class="{word}" x="{LEFT}" y="{at}" width="{max(end - LEFT, 1):.1f}" height="13" rx="2"/>'
        yield f'<text class="small" x="{end + 5:.1f}" y="{at + 11}">{show(value)} s</text>'


def chart(medians, rows, where):
    """Bars on a scale of tens, with a text for those who do not see them; light and dark."""
    pairs = bars(medians, rows)
    values = [value for _, wall, cpu in pairs for value in (wall, cpu)]
    low = 10 ** math.floor(math.log10(max(min(values), 0.001)))
    ends = low, max(10 ** math.ceil(math.log10(max(values))), low * 10)
    bottom = TOP + STEP * len(pairs)
    title = f"What changed among {rows:,} rows of 2 % difference, in seconds"
    told = "; ".join(f"{label}: {show(wall)} s on the clock, {show(cpu)} s of processor time" for label, wall, cpu in pairs)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t d" viewBox="0 0 720 {bottom + 52}">',
             f'<title id="t">{escape(title)}</title>', f'<desc id="d">{escape(told)}. {escape(where)}.</desc>',
             f"<style>{STYLE}</style>", f'<rect class="back" width="720" height="{bottom + 52}"/>',
             f'<text class="title" x="14" y="26">{escape(title)}</text>',
             '<rect class="wall" x="14" y="38" width="12" height="12" rx="2"/><text class="small" x="31" y="48">on the clock</text>',
             '<rect class="cpu" x="118" y="38" width="12" height="12" rx="2"/><text class="small" x="135" y="48">processor time '
             '(user + system); each line of the grid is ten times the one before</text>',
             *grid(*ends, bottom)]
    for i, (label, wall, cpu) in enumerate(pairs):
        parts += pair(TOP + STEP * i, label, wall, cpu, ends)
    parts.append(f'<text class="small" x="14" y="{bottom + 40}">{escape(where)}</text></svg>\n')
    return "\n".join(parts)
