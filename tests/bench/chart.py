"""A line chart as SVG, from CSV: the first column is the horizontal axis, each other one a line.

    chart.py DATA.csv CHART.svg --title TEXT --x TEXT --y TEXT
             [--area COLUMN] [--steps COLUMN]... [--points] [--only COLUMN]... [--mark X TEXT]...

--area: drawn as a grey area with steps, behind the lines (a capacity). --steps: a line that jumps (a
rung). --points: a dot at each value, for few of them. --only: these columns, in this order; an empty
cell is a gap. --mark: a line across the chart, with words. Nothing but Python's own library.
"""
import argparse
import csv
import html
import math

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 62, 46
COLOURS = ["#0b66c3", "#d1570a", "#17803d", "#8a3ab9", "#b3261e"]
INK, FAINT, GRID, AREA = "#1f2328", "#59636e", "#e4e8ec", "#e9edf2"


def ticks(highest, wanted):
    """Round numbers from 0 to at least `highest`."""
    raw = max(highest, 1e-9) / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * f for f in (1, 2, 2.5, 5, 10) if power * f >= raw)
    return [step * i for i in range(math.ceil(highest / step - 1e-9) + 1)]


def number(value):
    return f"{value:g}"


class Scale:
    """From a value to a coordinate."""

    def __init__(self, low, high, start, end):
        self.low, self.factor, self.start = low, (end - start) / (high - low), start

    def __call__(self, value):
        return self.start + (value - self.low) * self.factor


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names = rows[0]
    columns = {name: [float(row[i]) if row[i] else None for row in rows[1:]]
               for i, name in enumerate(names)}
    return names[0], columns


def segments(xs, ys):
    """Runs of values without a gap."""
    run = []
    for x, y in zip(xs, ys):
        if y is None:
            if run:
                yield run
            run = []
        else:
            run.append((x, y))
    if run:
        yield run


def path(points, to_x, to_y, stepped):
    """The d attribute of a line."""
    out, last = [], None
    for x, y in points:
        if last is None:
            out.append(f"M{to_x(x):.1f},{to_y(y):.1f}")
        elif stepped:
            out.append(f"H{to_x(x):.1f}" + (f"V{to_y(y):.1f}" if y != last else ""))
        else:
            out.append(f"L{to_x(x):.1f},{to_y(y):.1f}")
        last = y
    return "".join(out)


def text(x, y, words, anchor="start", colour=FAINT, size=12, extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-size="{size}"{extra}>{html.escape(words)}</text>')


def axes(to_x, to_y, x_ticks, y_ticks, labels):
    out = []
    for value in y_ticks:
        y = to_y(value)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{GRID}"/>')
        out.append(text(LEFT - 8, y + 4, number(value), "end"))
    for value in x_ticks:
        out.append(text(to_x(value), HEIGHT - BOTTOM + 18, number(value), "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, labels[0], "middle"))
    out.append(text(LEFT - 8, TOP - 12, labels[1], "end" if len(labels[1]) < 9 else "middle"))
    return out


def legend(entries):
    """Swatch and name of each, in one line below the title."""
    out, x = [], LEFT + 40
    for name, colour, is_area in entries:
        height, y = (10, TOP - 21) if is_area else (3, TOP - 18)
        border = f' stroke="{FAINT}" stroke-width="0.6"' if is_area else ""
        out.append(f'<rect x="{x}" y="{y}" width="16" height="{height}" fill="{colour}"{border}/>')
        out.append(text(x + 22, TOP - 12, name, colour=INK))
        x += 44 + 7 * len(name)
    return out


def draw(options):
    x_name, columns = read(options.data)
    xs = columns.pop(x_name)
    names = options.only or [name for name in columns if name != options.area]
    shown = names + ([options.area] if options.area else [])
    highest = max(v for name in shown for v in columns[name] if v is not None)
    y_ticks, x_ticks = ticks(highest * 1.02, 5), [t for t in ticks(max(xs), 10) if t <= max(xs) + 1e-9]
    to_x = Scale(min(0, min(xs)), max(xs), LEFT, WIDTH - RIGHT)
    to_y = Scale(0, y_ticks[-1], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
           f'height="{HEIGHT}" font-family="system-ui, DejaVu Sans, sans-serif" role="img">',
           f"<title>{html.escape(options.title)}</title>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
           text(LEFT, 24, options.title, colour=INK, size=15, extra=' font-weight="600"')]
    entries = []
    if options.area:
        # Behind the grid: the area reaches back to where its first value began.
        for run in segments(xs, columns[options.area]):
            run = [(min(0, run[0][0]) if run[0][0] == xs[0] else run[0][0], run[0][1])] + run
            line = path(run, to_x, to_y, True)
            out.append(f'<path d="{line}V{to_y(0):.1f}H{to_x(run[0][0]):.1f}Z" fill="{AREA}"/>')
        entries.append((options.area, AREA, True))
    out += axes(to_x, to_y, x_ticks, y_ticks, (options.x, options.y))
    for x, words in options.mark:
        at = to_x(float(x))
        out.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" '
                   f'stroke="{FAINT}" stroke-dasharray="3 3"/>')
        out.append(text(at + 5, TOP + 12, words, colour=FAINT, size=11))
    for i, name in enumerate(names):
        colour = COLOURS[i % len(COLOURS)]
        for run in segments(xs, columns[name]):
            line = path(run, to_x, to_y, name in options.steps)
            out.append(f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="1.8" '
                       'stroke-linejoin="round"/>')
            if options.points:
                out += [f'<circle cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="3.2" fill="{colour}"/>'
                        for x, y in run]
        entries.append((name, colour, False))
    out += legend(entries)
    out.append("</svg>\n")
    with open(options.chart, "w", encoding="utf-8") as file:
        file.write("\n".join(out))


def main(arguments=None):
    parser = argparse.ArgumentParser(description="A line chart as SVG, from CSV.")
    parser.add_argument("data")
    parser.add_argument("chart")
    parser.add_argument("--title", default="")
    parser.add_argument("--x", default="seconds")
    parser.add_argument("--y", default="kbit/s")
    parser.add_argument("--area")
    parser.add_argument("--steps", action="append", default=[])
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--mark", nargs=2, action="append", default=[])
    draw(parser.parse_args(arguments))


if __name__ == "__main__":
    main()
