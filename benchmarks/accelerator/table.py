"""The Markdown table of the rows."""

from benchmarks.accelerator.games import GAMES

HEADER = ("game", "batch", "engine", "images/s", "s/kimg", "TFLOP/s", "of the matrix rate", "peak GB", "× PyTorch")


def table(about, rows):
    """Returns the text of a result: what was measured where, the check, the table, and what was left out and why.

    Args:
        about: Entries about the machine.
        rows: Rows by name.
    """
    check, rate = rows.get("check", {}), rows.get("matrix_rate", {})
    lines = [
        f"{about.get('card', 'unknown')}, {about.get('date', '')}: `{about.get('command', '')}`. Engine: JAX "
        f"{about.get('jax', '?')}, mixed_bfloat16; random images that are already on the device; medians.",
        "",
    ]
    if about.get("tiny"):
        lines += ["A rehearsal with tiny networks: none of the numbers says anything about speed.", ""]
    lines += [f"- Step: {_check(check)}", f"- Matrix rate: {_rate(rate)}"]
    for text in dict.fromkeys(row["flops_from"] for row in rows.values() if row.get("flops_from")):
        lines.append(f"- Operations: {text}")
    lines += ["", f"| {' | '.join(HEADER)} |", "|---|---:|---" + "|---:" * (len(HEADER) - 3) + "|"]
    missing = []
    for name in GAMES:
        for key in (name, *(each for each in rows if each.startswith(f"{name}@"))):
            row = rows.get(key)
            if row and row["status"] == "ok":
                lines.append(f"| {' | '.join(_cells(name, key, row, rows, rate))} |")
            elif row:
                missing.append(f"- `{key}` {row['status']}: {row['reason']}")
    notes = [f"- `{name}`: {GAMES[name].note}." for name in GAMES if rows.get(name, {}).get("status") == "ok"]
    lines += ["", *notes]
    lines += ["", "Not measured:", "", *missing] if missing else []
    return "\n".join(lines) + "\n"


def _cells(name, key, row, rows, rate):
    speed, flops = row["images_per_second"], row.get("flops_per_second")
    peak = rate.get("flops_per_second") if rate.get("status") == "ok" else None
    ours = rows.get(name, {})
    others = [
        each["images_per_second"]
        for other, each in rows.items()
        if other.startswith(f"{name}@") and each["status"] == "ok" and each["batch"] == ours.get("batch")
    ]
    compared = "" if key != name or not others else f"{speed / max(others):.2f}"
    return [
        f"`{name}`",
        f"{row['batch']:,}",
        row["engine"],
        f"{speed:,.1f}",
        f"{1000 / speed:,.2f}",
        "" if flops is None else f"{flops / 1e12:,.3g}",
        "" if flops is None or peak is None else f"{flops / peak:.0%}",
        f"{row['peak_bytes'] / 1e9:.2f}{'' if row['peak_of'] == 'device' else ' (resident)'}",
        compared,
    ]


def _check(row):
    if row.get("status") != "ok":
        return f"not checked ({row.get('reason', 'not run')})."
    found = ", ".join(f"{name} {value:.1e}" for name, value in row["differences"].items())
    control = ", ".join(f"{name} {value:.1e}" for name, value in row["controls"].items())
    return (
        f"{row['compared']}; largest difference of a network's change in two steps, relative to the change: {found} "
        f"(at most {row['tolerance']:.0e}); with images scaled by 0.98 (must be more): {control}."
    )


def _rate(row):
    if row.get("status") != "ok":
        return f"not measured ({row.get('reason', 'not run')})."
    return f"{row['flops_per_second'] / 1e12:,.4g} TFLOP/s, a product of two {row['size']:,}² bfloat16 matrices."
