"""The tables of benchmarks/structured.py, from its rows."""

import rows


def tables(found: list[dict]) -> str:
    """One table for each setting, scope and sparsity, in the order of the rows."""
    parts = []
    for setting in dict.fromkeys(row["setting"] for row in found):
        of_setting = [row for row in found if row["setting"] == setting]
        dense = [row for row in of_setting if row["arm"] == "dense"]
        parts.append(f"### {setting[0].upper()}{setting[1:]}; {len(dense)} seeds")
        parts.append(
            f"The trained network: {_mean(dense, 'cut')} %. Trained on for as long as the others are "
            f"fine-tuned: {_mean(dense, 'tuned')} %."
        )
        kinds = dict.fromkeys((row["scope"], row["sparsity"]) for row in of_setting if row["scope"])
        for scope, sparsity in kinds:
            same = [row for row in of_setting if (row["scope"], row["sparsity"]) == (scope, sparsity)]
            parts.append(f"**{sparsity:.0%} of the filters, {_where(scope)}**: {_size(same)}")
            parts.append(_table(same))
    return "\n\n".join(parts)


def _where(scope: str) -> str:
    return {"layerwise": "the same share of each group", "globally": "all groups in competition"}[scope]


def _size(same: list[dict]) -> str:
    parts = []
    for name, noun in (("parameters", "parameters"), ("macs", "multiply-accumulates")):
        low, high = (f"{f(row[name] for row in same):.2f}" for f in (min, max))
        parts.append(f"{low if low == high else f'{low} to {high}'} of the {noun} left")
    return ", ".join(parts) + "."


def _table(same: list[dict]) -> str:
    arms = {arm: [r for r in same if r["arm"] == arm] for arm in dict.fromkeys(r["arm"] for r in same)}
    scratch = arms.pop("from scratch", None)
    versus = {"− random": arms["random"]} | ({"− from scratch": scratch} if scratch else {})
    lines = []
    for arm, of_arm in arms.items():
        gaps = [_gap(of_arm, others) if of_arm is not others else "" for others in versus.values()]
        lines.append([arm, *(_mean(of_arm, name) for name in ("cut", "renewed", "tuned")), *gaps])
    if scratch:
        blank = [""] * len(versus)
        lines.append(["from scratch, as many epochs", "", "", _mean(scratch, "short"), *blank])
        gaps = [_gap(scratch, arms["random"]), ""]
        lines.append(["from scratch, all epochs", "", "", _mean(scratch, "tuned"), *gaps])
    return rows.table(["", "cut", "statistics renewed", "fine-tuned", *versus], lines)


def _mean(some: list[dict], name: str) -> str:
    return rows.mean([row[name] for row in some])


def _gap(some: list[dict], others: list[dict]) -> str:
    """Mean ± standard error of the differences after fine-tuning, seed by seed."""
    theirs = {row["seed"]: row["tuned"] for row in others}
    return rows.mean([row["tuned"] - theirs[row["seed"]] for row in some if row["seed"] in theirs])
