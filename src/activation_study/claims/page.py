"""What `claims.py` does: judges every claim and writes the ledger as a table, a page and a picture of each claim."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from omegaconf import DictConfig

from activation_study import schema
from activation_study.claims import CLAIMS, EVIDENCE, find, judge, pictures
from activation_study.claims.evidence import Found, own_command
from activation_study.claims.ledger import NOT_RUN, VERDICTS, Outcome, Part
from activation_study.comparison import text
from activation_study.errors import StudyError
from activation_study.figures import save
from activation_study.runs import files

INTRODUCTION = """\
# Claims

What the article and the papers claim, in our words, and what the runs say. Every verdict is computed. The 95 % interval
of a number lies inside the values that the claim predicts: supported; outside: contradicted; across their edge:
undecided; its runs are missing: not run. The cases of a claim are places, a data set and a depth each, where all its
numbers must be as claimed; where it is about several activations one by one, each at each place is a case. A claim is
supported if it is in one case and contradicted in none, contradicted the other way round, and undecided where cases
disagree. No support is not yet a contradiction, and a verdict holds for these data, networks and training times.
"""


def claims(config: DictConfig) -> None:
    """Judges the claims that the configuration asks for; writes claims.csv and CLAIMS.md where it asks for all."""
    asked = schema.checked("claims", config)
    if asked["threads"] is not None:
        torch.set_num_threads(asked["threads"])  # which the small networks obey
    chosen = list(CLAIMS.values()) if asked["claim"] is None else [CLAIMS[asked["claim"]]]
    needed = [name for name in EVIDENCE if any(name in claim.tests for claim in chosen)]
    found = {name: find(EVIDENCE[name], asked["runs_dir"], asked["scale"]) for name in needed}
    outcomes = [judge(claim, found) for claim in chosen]
    out = Path(asked["out"])
    if asked["claim"] is None and not asked["replace"]:
        _refuse_to_forget(outcomes, out)
    pictures_of = {outcome.claim.id: path for outcome in outcomes if (path := draw(outcome, out / "claims"))}
    if asked["claim"] is not None:
        print(_numbers(outcomes[0].parts).to_string(index=False), *pictures_of.values(), sep="\n")
        return
    print(_overview(outcomes)[["claim", "verdict", "cases"]].to_string(index=False))
    files.write_text(out / "claims.csv", table(outcomes).to_csv(index=False, float_format="%.6g"))
    for name, one in found.items():
        if one.evidence.measure:
            numbers = one.tables().metrics.to_csv(index=False, float_format="%.6g")
            files.write_text(out / "claims" / f"{name}.csv", numbers)
    files.write_text(out / "CLAIMS.md", page(outcomes, found, pictures_of, out))
    print(out / "claims.csv", out / "CLAIMS.md", sep="\n")


def _refuse_to_forget(outcomes: Sequence[Outcome], out: Path) -> None:
    """A ledger that says what was found does not give way to one that says "not run"."""
    path = out / "claims.csv"
    if not path.exists():
        return
    before = pd.read_csv(path)
    judged = before.loc[before["verdict"] != NOT_RUN, ["claim", "place", "compared"]].itertuples(index=False, name=None)
    now = table(outcomes)
    missing = now.loc[now["verdict"] == NOT_RUN, ["claim", "place", "compared"]].itertuples(index=False, name=None)
    if lost := {claim for claim, *_ in set(judged) & set(missing)}:
        commands = dict.fromkeys(
            outcome.found[part.evidence].command
            for outcome in outcomes for part in outcome.parts if part.verdict == NOT_RUN
        )  # fmt: skip
        raise StudyError(
            f'out={out}: {len(lost)} of the claims judged in {path} would become "not run", for their runs are not '
            "here; `make runs` adds those that come with the repository, "
            f"{', '.join(f'`{command}`' for command in commands)} trains them; or give another folder as out=FOLDER, "
            "or replace=true."
        )


def draw(outcome: Outcome, folder: Path) -> Path | None:
    """Draws a claim; None where nothing has been run that it could show."""
    if outcome.verdict == NOT_RUN:
        return None
    picture = outcome.claim.picture or pictures.intervals
    return save(picture(outcome), folder / outcome.claim.id)[0]


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Every number of the claims, one per row, with its own verdict, that of its place and that of the claim."""
    return pd.DataFrame(
        {
            "claim": outcome.claim.id,
            "claim_verdict": outcome.verdict,
            "place": part.place,
            "case_verdict": outcome.cases[outcome.case(part)],
            "compared": part.compared,
            "quantity": part.quantity,
            "claimed": str(part.claimed),
            "value": part.value,
            "low": part.low,
            "high": part.high,
            "n": "exact" if part.n is None else part.n,
            "verdict": part.verdict,
            "statistic": part.statistic,
            "note": part.note,
            "scale": outcome.found[part.evidence].scale,
            "source": outcome.claim.source,
            "command": outcome.found[part.evidence].command,
        }
        for outcome in outcomes
        for part in outcome.parts
    )


def page(outcomes: Sequence[Outcome], found: Mapping[str, Found], drawn: Mapping[str, Path], out: Path) -> str:
    """The ledger as Markdown: all verdicts, the evidence, then a section per claim."""
    counts = [f"{sum(outcome.verdict == verdict for outcome in outcomes)} {verdict}" for verdict in VERDICTS]
    scale = next(iter(found.values())).scale
    parts = [
        INTRODUCTION,
        f"{', '.join(counts)}; scale {scale}. Made by `{own_command(scale)}`.\n",
        text.markdown(_overview(outcomes).assign(claim=[_link(outcome) for outcome in outcomes]), ["claim"]),
        "## Evidence\n",
        text.markdown(_evidence(found), ["command"]),
        *(section(outcome, drawn.get(outcome.claim.id), out) for outcome in outcomes),
    ]
    return "\n".join(parts)


def section(outcome: Outcome, picture: Path | None, out: Path) -> str:
    """One claim on the page."""
    claim = outcome.claim
    lines = [f"## {claim.id}\n", f"**{outcome.verdict}**: {claim.statement}\n", f"- Source: {claim.source}.",
             f"- Measured: {claim.measured}"]  # fmt: skip
    if claim.disagreement:
        lines.append(f"- **Article and papers disagree**: {claim.disagreement}")
    if claim.remark:
        lines.append(f"- To know: {claim.remark}")
    lines += [f"- Statistic: {'; '.join(statistics)}." for statistics in [_statistics(outcome)] if statistics]
    scale = next(iter(outcome.found.values())).scale
    own = own_command(scale)
    commands = [
        *dict.fromkeys(found.command for name in claim.tests if (found := outcome.found[name]).command != own),
        own,
    ]
    lines.append(f"- Made by: {', then '.join(f'`{command}`' for command in commands)}; scale {scale}.")
    if missing := [case for case, verdict in outcome.cases.items() if verdict == NOT_RUN]:
        lines.append(f"- Not run: {'; '.join(missing)}. The commands above train what is missing.")
    if picture:
        lines.append(f"\n![{claim.id}: {outcome.verdict}]({picture.relative_to(out)})")
    shown = [part for part in outcome.parts if part.verdict != NOT_RUN]
    if shown:
        lines += ["", text.markdown(_numbers(shown))]
    return "\n".join(lines) + "\n"


def _overview(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim": outcome.claim.id,
            "what is claimed": outcome.claim.statement,
            "verdict": outcome.verdict,
            "cases": _cases(outcome),
            "article and papers": "disagree" if outcome.claim.disagreement else "",
        }
        for outcome in outcomes
    )


def _link(outcome: Outcome) -> str:
    return f"[{outcome.claim.id}](#{outcome.claim.id})"


def _cases(outcome: Outcome) -> str:
    counts = pd.Series(list(outcome.cases.values())).value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def _evidence(found: Mapping[str, Found]) -> pd.DataFrame:
    rows = []
    for name, one in found.items():
        hardware = ", ".join(text.hardware(one.tables().runs))
        about = "; ".join(filter(None, [one.about, hardware]))
        rows.append({"evidence": name, "what it is": about, "scale": one.scale, "command": f"`{one.command}`"})
    return pd.DataFrame(rows)


def _numbers(parts: Sequence[Part]) -> pd.DataFrame:
    rows = [
        {
            "where": part.place,
            "compared": part.compared,
            "quantity": part.quantity,
            "value": "-" if part.n == 0 else f"{part.value:.3g}",
            "95 % interval": _interval(part),
            "claimed": str(part.claimed),
            "n": "-" if part.n is None else str(part.n),
            "verdict": part.verdict,
            "note": part.note,
        }
        for part in parts
    ]
    shown = pd.DataFrame(rows)
    return shown if shown["note"].any() else shown.drop(columns="note")


def _interval(part: Part) -> str:
    if part.n is None:
        return "exact"
    return "-" if part.low != part.low else f"{part.low:.3g} to {part.high:.3g}"


def _statistics(outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(part.statistic for part in outcome.parts if part.statistic))
