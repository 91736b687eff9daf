"""Line charts as SVG: the numbers of things on a logarithmic axis, what they
cost on a linear one from 0.
"""

import collections
import html
import math

Line = collections.namedtuple("Line", "name points")
Chart = collections.namedtuple("Chart", "title x y lines")

WIDTH, HEIGHT = 520, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 44, 96
COLOURS = {"bare": "#767676", "mod_auth_clerk": "#0b6bcb",
           "mod_auth_openidc": "#c2410c", "mod_oauth2": "#15803d"}
OTHER = "#000000"
TICKS = 5


def draw(charts):
    """The text of one picture, the charts beside each other."""
    width = WIDTH * len(charts)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
             f'height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>']
    for number, chart in enumerate(charts):
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts += _chart(chart)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Scale:
    """From numbers to places in a chart."""

    def __init__(self, lines):
        xs = [x for line in lines for x, _ in line.points]
        self.least, self.most = math.log10(min(xs)), math.log10(max(xs))
        self.xs = sorted(set(xs))
        self.step = _round_step(max(y for line in lines
                                    for _, y in line.points) / TICKS)
        self.top = self.step * math.ceil(max(
            y for line in lines for _, y in line.points) / self.step)

    def x(self, value):
        share = ((math.log10(value) - self.least)
                 / ((self.most - self.least) or 1))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def _round_step(step):
    """The next of 1, 2, 5, 10…"""
    power = 10 ** math.floor(math.log10(step))
    return next(power * unit for unit in (1, 2, 5, 10)
                if power * unit >= step)


def _chart(chart):
    scale = _Scale(chart.lines)
    yield _text(LEFT, TOP - 20, chart.title, "start", "bold")
    yield from _axes(chart, scale)
    for number, line in enumerate(chart.lines):
        colour = COLOURS.get(line.name, OTHER)
        places = [(scale.x(x), scale.y(y)) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield (f'<polyline points="{path}" fill="none" stroke="{colour}" '
               'stroke-width="2"/>')
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        left = LEFT + (number % 2) * 200
        height = HEIGHT - 34 + (number // 2) * 18
        yield (f'<rect x="{left}" y="{height - 9}" width="18" height="4" '
               f'fill="{colour}"/>')
        yield _text(left + 24, height - 3, line.name, "start")


def _axes(chart, scale):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for number in range(round(scale.top / scale.step) + 1):
        value = number * scale.step
        y = scale.y(value)
        yield (f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" '
               'stroke="#dddddd"/>')
        yield _text(LEFT - 6, y + 4, f"{value:,.10g}", "end")
    for value in scale.xs:
        yield _text(scale.x(value), bottom + 18, f"{value:,}", "middle")
    yield _text((LEFT + right) / 2, bottom + 38, chart.x, "middle")
    middle = (TOP + bottom) / 2
    yield (f'<text x="16" y="{middle:.1f}" text-anchor="middle" '
           f'transform="rotate(-90 16 {middle:.1f})">'
           f'{html.escape(chart.y)}</text>')


def _text(x, y, text, anchor, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{html.escape(text)}</text>')
