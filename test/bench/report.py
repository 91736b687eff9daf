"""The rows that were measured: as a table, as JSON, and as Markdown."""

import json
import textwrap

import contenders

COLUMNS = (contenders.BARE, contenders.OURS, contenders.OIDC,
           contenders.OAUTH2)
TITLES = {contenders.BARE: "bare server"}
NOTHING = "–"
WIDTH = 46
GAP = 18

POINTS = {
    1: "A cached request",
    2: "Many live tokens",
    3: "Tokens that nobody knows yet",
    4: "One call for who comes at the same time",
    5: "The turn of the TTL",
    6: "Dead and made-up tokens",
    7: "When Clerk hangs or is away",
    8: "Growth",
}


class Row:
    """One thing that was measured, of each that it was measured of, and what
    ours must reach. `digits` are those behind the point."""

    def __init__(self, point, what, values, unit="", digits=0, at_most=None,
                 at_least=None, note=""):
        self.point = point
        self.what = what
        self.values = values
        self.unit = unit
        self.digits = digits
        self.at_most = at_most
        self.at_least = at_least
        self.note = note

    @property
    def marked(self):
        return self.at_most is not None or self.at_least is not None

    @property
    def reached(self):
        """None where there is no mark."""
        if not self.marked:
            return None
        ours = self.values.get(contenders.OURS)
        if ours is None:
            return False
        return ((self.at_most is None or ours <= self.at_most)
                and (self.at_least is None or ours >= self.at_least))

    @property
    def mark(self):
        if self.at_most is not None:
            return "≤ " + self._number(self.at_most)
        if self.at_least is not None:
            return "≥ " + self._number(self.at_least)
        return ""

    @property
    def verdict(self):
        return {None: "", True: "reached", False: "MISSED"}[self.reached]

    def cell(self, column):
        value = self.values.get(column)
        return NOTHING if value is None else self._number(value)

    @property
    def name(self):
        return f"{self.what}, {self.unit}" if self.unit else self.what

    def as_json(self):
        return {"point": self.point, "what": self.what, "unit": self.unit,
                "values": {column: self.values.get(column)
                           for column in COLUMNS},
                "at_most": self.at_most, "at_least": self.at_least,
                "reached": self.reached, "note": self.note}

    def _number(self, value):
        if isinstance(value, str):
            return value
        return f"{value:,.{self.digits}f}"


# ---------------------------------------------------------------------------
# The table, as it grows

def print_head(title):
    print(f"\n{title}")
    print(" " * WIDTH + "".join(
        TITLES.get(column, column).rjust(GAP) for column in COLUMNS)
        + "   mark")


def print_rows(rows):
    for row in rows:
        first, *others = textwrap.wrap(row.name, WIDTH - 3)
        cells = "".join(row.cell(column).rjust(GAP) for column in COLUMNS)
        print(f"  {first:<{WIDTH - 2}}{cells}   {row.mark} {row.verdict}"
              .rstrip())
        for line in others:
            print(f"    {line}")
        if row.note:
            print(textwrap.indent(textwrap.fill(row.note, 100), "      "))
    # So that whoever waits sees them, through a pipe, too.
    print(end="", flush=True)


def print_summary(rows, seconds):
    marked = [row for row in rows if row.marked]
    missed = [row for row in marked if not row.reached]
    print(f"\n{len(marked) - len(missed)} of {len(marked)} marks reached, "
          f"{seconds:.0f} s")
    for row in missed:
        print(f"  MISSED, point {row.point}: {row.name}: "
              f"{row.cell(contenders.OURS)} ({row.mark})")


# ---------------------------------------------------------------------------
# Files

def write_json(path, rows, about, details):
    path.write_text(json.dumps(
        {**about, "rows": [row.as_json() for row in rows],
         "details": details}, indent=2) + "\n")


def markdown(rows, about, plot=None):
    """The text of a page: what was measured where, and a table per point."""
    out = ["<!-- Written by test/bench. -->", ""]
    out += textwrap.wrap(
        f"Measured on {about['date']}: {about['processor']}, "
        f"{about['processors']} processors, {about['system']}, "
        f"{', '.join(about['versions'])}. Other programs took "
        f"{about['others_share_of_processors']:.0%} of the processors "
        "meanwhile.", 100)
    for point, title in POINTS.items():
        of_point = [row for row in rows if row.point == point]
        if of_point:
            out += ["", f"## {point}. {title}", "", *_markdown_table(of_point)]
            out += [f"\n{row.what}: {row.note}" for row in of_point
                    if row.note]
    if plot:
        out += ["", f"![Cost of a hit by tokens and connections]({plot})"]
    return "\n".join(out) + "\n"


def _markdown_table(rows):
    heads = ["", *(TITLES.get(column, column) for column in COLUMNS), "mark",
             ""]
    yield "| " + " | ".join(heads) + " |"
    yield "| --- |" + " ---: |" * (len(heads) - 2) + " --- |"
    for row in rows:
        cells = [row.name, *(row.cell(column) for column in COLUMNS),
                 row.mark, row.verdict]
        yield "| " + " | ".join(cells) + " |"
