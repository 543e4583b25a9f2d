"""Prints what was measured, the bar it is held against, and whether it was met."""

import statistics


def quartiles(values):
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def median(values):
    return quartiles(values)[1]


def spread(values, digits=2):
    low, _, high = quartiles(values)
    return (f"(quartiles {low:.{digits}f}..{high:.{digits}f}, "
            f"range {min(values):.{digits}f}..{max(values):.{digits}f}, n={len(values)})")


def median_and_spread(values, unit, digits=2):
    return f"{median(values):.{digits}f}{unit} {spread(values, digits)}"


def heading(text):
    print(f"\n== {text}", flush=True)


def line(name, text):
    print(f"  {name:<34} {text}", flush=True)


def bar(name, value, limit, unit="", digits=2, detail=""):
    """One figure with an upper bar. True when met."""
    return _judge(name, value, value <= limit, f"<= {limit:g}", unit, digits, detail)


def bar_from_below(name, value, least, unit="", digits=2, detail=""):
    return _judge(name, value, value >= least, f">= {least:g}", unit, digits, detail)


def _judge(name, value, met, bound, unit, digits, detail):
    verdict = "met" if met else "MISSED"
    print(f"  {name:<34} {value:.{digits}f}{unit}  bar {bound}{unit}: {verdict}"
          + (f"  {detail}" if detail else ""), flush=True)
    return met
