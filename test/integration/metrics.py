"""The forms of clerk-status, read strictly, and what each of them has to say
if the JSON is right.

The names below are those of docs/operating.md, written down a second time: a
figure that changes its name, or is missing in one form, fails.
"""

import html
import json
import re

from prometheus_client import parser

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})?'
                    r" (\d+|\d+\.\d{6})")
HISTOGRAM = "clerk_call_duration_seconds"
AGE = "clerk_key_set_age_seconds"
PROCESS_AGE = "clerk_process_key_set_age_seconds"


def key(name, **labels):
    return name, frozenset(labels.items())


# ---------------------------------------------------------------------------
# Text exposition format

def exposition(answer):
    """The samples of an answer, {(name, labels): value}, which has to be
    well-formed to the letter."""
    assert answer.status == 200, answer
    assert answer.one("Content-Type") == CONTENT_TYPE
    assert answer.text.endswith("\n") or not answer.text
    for line in answer.text.splitlines():
        assert line.startswith("# ") or SAMPLE.fullmatch(line), line
    families = list(parser.text_string_to_metric_families(answer.text))
    names = [family.name for family in families]
    assert len(set(names)) == len(names), names
    samples = {}
    for family in families:
        assert family.name.startswith("clerk_")
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram"), family
        for sample in family.samples:
            if family.type == "counter":
                assert sample.name == f"{family.name}_total"
            identity = key(sample.name, **sample.labels)
            assert identity not in samples, sample
            samples[identity] = sample.value
        if family.type == "histogram":
            check_histogram(family)
    said = [line.split()[2] for line in answer.text.splitlines()
            if line.startswith("# HELP")]
    typed = [line.split()[2] for line in answer.text.splitlines()
             if line.startswith("# TYPE")]
    assert said == typed and len(said) == len(families)
    return samples


def check_histogram(family):
    """Buckets are cumulative, in order, and end with all."""
    series = {}
    for sample in family.samples:
        series.setdefault(sample.labels["endpoint"], []).append(sample)
    for samples in series.values():
        buckets = [s for s in samples if s.name.endswith("_bucket")]
        bounds = [float(s.labels["le"]) for s in buckets]
        values = [s.value for s in buckets]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
        assert values == sorted(values)
        assert [s.name for s in samples[len(buckets):]] == [
            f"{family.name}_sum", f"{family.name}_count"]
        assert samples[-1].value == values[-1]


def samples_of(status):
    """What the exposition of this JSON has to be, but for outcomes of which
    there was none; ages are left out, for they grow."""
    total = status["total"]
    samples = {key("clerk_pending_requests"): total["pending"],
               key("clerk_near_cache_hits_total"):
                   total["cache"]["near_hits"],
               key("clerk_collapsed_waits_total"): total["waits"],
               key("clerk_breakers_open"): status["breaker"]["open"],
               key("clerk_breakers"): status["breaker"]["lanes"]}
    for result in ("unused", "hits", "misses", "stale"):
        samples[key("clerk_cache_results_total",
                    result=result)] = total["cache"][result]
    for outcome, count in total["verifications"].items():
        samples[key("clerk_verifications_total", outcome=outcome)] = count
    for outcome, count in total["refreshes"].items():
        samples[key("clerk_refreshes_total", outcome=outcome)] = count
    for endpoint, ends in total["calls"].items():
        for result, count in ends.items():
            samples[key("clerk_calls_total", endpoint=endpoint,
                        result=result)] = count
    for endpoint, spans in total["call_seconds"].items():
        samples.update(histogram(endpoint, dict(spans)))
    for process in status["processes"]:
        pid = str(process["pid"])
        samples[key("clerk_process_pending_requests",
                    pid=pid)] = process["pending"]
        samples[key("clerk_process_pending_requests_limit",
                    pid=pid)] = process["max_pending"]
    return samples


def histogram(endpoint, spans):
    samples = {key(f"{HISTOGRAM}_sum", endpoint=endpoint): spans.pop("sum")}
    count = 0
    for bound, number in spans.items():
        count += number
        samples[key(f"{HISTOGRAM}_bucket", endpoint=endpoint,
                    le=bound)] = count
    samples[key(f"{HISTOGRAM}_count", endpoint=endpoint)] = count
    return samples


def assert_agrees(samples, status):
    """They were taken one after the other, with nothing in between."""
    wanted = samples_of(status)
    for identity, value in wanted.items():
        assert samples.get(identity) == value, identity
    rest = {identity: value for identity, value in samples.items()
            if identity not in wanted}
    ages = {(AGE, None): status["total"]["key_set_age_seconds"]}
    for process in status["processes"]:
        ages[PROCESS_AGE, str(process["pid"])] = process["key_set_age_seconds"]
    for (name, pid), by_frontend in ages.items():
        for frontend, age in by_frontend.items():
            labels = {"frontend_api": frontend, **({"pid": pid} if pid else {})}
            assert abs(rest.pop(key(name, **labels)) - age) < 60
    # of these nothing has happened yet
    assert not any(rest.values()), rest
    assert {name for name, _ in rest} <= {
        "clerk_verifications_total", f"{HISTOGRAM}_bucket",
        f"{HISTOGRAM}_sum", f"{HISTOGRAM}_count"}


# ---------------------------------------------------------------------------
# mod_status

def words(text):
    """JSON as it was written: numbers to the digit."""
    return json.loads(text, parse_int=str, parse_float=str)


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def flat(prefix, value):
    if isinstance(value, str):
        return {prefix: value}
    return {name: text for member, inner in value.items()
            for name, text in flat(prefix + camel(member), inner).items()}


def auto_lines(text):
    """The lines of `?auto` that are ours, by name."""
    pairs = [line.split(": ", 1) for line in text.splitlines()
             if line.startswith("Clerk")]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def auto_lines_of(status):
    """What they have to be, of words(); ages and their names are left out."""
    total = dict(status["total"])
    total.pop("key_set_age_seconds")
    lines = flat("Clerk", {**total, "breaker": status["breaker"]})
    for process in status["processes"]:
        lines.update(flat(f"ClerkProcess[{process['pid']}]", {
            "pending": process["pending"],
            "max_pending": process["max_pending"]}))
    return lines


def page_rows(text):
    """The section of the page that is ours: {title: [row, …]}."""
    section = text.split("<h2>mod_auth_clerk</h2>")[1].split("</dl>")[0]
    rows = {}
    for title, body in re.findall(r"<dt>(.*?)</dt>\n((?:<dd>.*</dd>\n)+)",
                                  section):
        assert title not in rows
        rows[title] = [html.unescape(re.sub(r"</?b>", "", row)) for row in
                       re.findall(r"<dd>(.*)</dd>", body)]
    assert len(rows) == section.count("<dt>")
    return rows


def page_rows_of(status):
    """The rows of figures of all processes, without their titles."""
    total = dict(status["total"])
    total.pop("key_set_age_seconds")
    total["cache"] = dict(total["cache"])
    near = total["cache"].pop("near_hits")
    rows = [[near], *([text] for text in status["breaker"].values())]
    for value in total.values():
        if isinstance(value, str):
            rows.append([value])
        elif isinstance(next(iter(value.values())), str):
            rows.append([row(value)])
        else:
            rows.append([f"{outer} {row(inner)}"
                         for outer, inner in value.items()])
    return rows


def row(cells):
    return ", ".join(f"{name}: {text}" for name, text in cells.items())
