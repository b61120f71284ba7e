"""What `claims.py` does: judges every claim of the article and the papers and writes the ledger."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from omegaconf import DictConfig

from activation_study import schema
from activation_study.claims import CLAIMS, EVIDENCE, find, judge, page
from activation_study.claims.evidence import Found
from activation_study.claims.ledger import NOT_RUN, Outcome
from activation_study.claims.planning import plan
from activation_study.errors import StudyError
from activation_study.papers import judged_in
from activation_study.runs import files


def claims(config: DictConfig) -> None:
    """Judges the claims that the configuration asks for; writes claims.csv and CLAIMS.md where it asks for all."""
    asked = schema.checked("claims", config)
    if asked["threads"] is not None:
        torch.set_num_threads(asked["threads"])  # which the small networks obey
    chosen, out = asked["claim"], Path(asked["out"])
    needed = {name for id_, claim in CLAIMS.items() if chosen in (None, id_) for name in claim.tests}
    found = {name: find(one, asked["runs_dir"], asked["scale"]) for name, one in EVIDENCE.items() if name in needed}
    if asked["plan"]:
        _plan([judge(claim, found) for id_, claim in CLAIMS.items() if chosen in (None, id_)], found, out)
        return
    outcomes = all_outcomes(found, Path(asked["papers"]), chosen)
    if chosen is None and not asked["replace"]:
        _refuse_to_forget(outcomes, out)
    pictures_of = {outcome.claim.id: path for outcome in outcomes if (path := page.draw(outcome, out / "claims"))}
    if chosen is not None:
        for outcome in outcomes:
            print(page.numbers(outcome.parts).to_string(index=False), *pictures_of.values(), sep="\n")
        if not outcomes:
            print(f"claim={chosen}: its item has not been made; see `python experiments/reproduce.py`.")
        return
    print(page.overview(outcomes)[["claim", "verdict", "cases"]].to_string(index=False))
    files.write_text(out / "claims.csv", page.table(outcomes).to_csv(index=False, float_format="%.6g"))
    for name, one in found.items():
        if one.evidence.measure:
            numbers = one.tables().metrics.to_csv(index=False, float_format="%.6g")
            files.write_text(out / "claims" / f"{name}.csv", numbers)
    everything = found | {name: one for outcome in outcomes for name, one in outcome.found.items()}
    files.write_text(
        out / "CLAIMS.md", page.page(outcomes, everything, pictures_of, out, page.draw_map(outcomes, out / "claims"))
    )
    print(out / "claims.csv", out / "CLAIMS.md", sep="\n")


def _plan(outcomes: Sequence[Outcome], found: Mapping[str, Found], out: Path) -> None:
    """Says how many seeds would decide what is undecided, and keeps that beside the claims."""
    planned = plan(outcomes, found)
    if planned.empty:
        print("Nothing is undecided that has been run.")
        return
    files.write_text(out / "claims" / "plan.csv", planned.to_csv(index=False, float_format="%.6g"))
    print(planned.to_string(index=False, float_format="{:.3g}".format), out / "claims" / "plan.csv", sep="\n")


def all_outcomes(found: Mapping[str, Found], papers: Path, chosen: str | None = None) -> list[Outcome]:
    """What has become of all claims, or of one: the article's by their evidence, the papers' by the items made.

    Args:
        found: the evidence by name.
        papers: the folder of the papers' items.
        chosen: id of the one that is wanted.
    """
    article = [judge(claim, found) for id_, claim in CLAIMS.items() if chosen in (None, id_)]
    return article + [outcome for outcome in judged_in(papers) if chosen in (None, outcome.claim.id)]


def _refuse_to_forget(outcomes: Sequence[Outcome], out: Path) -> None:
    """A ledger that says what was found does not give way to one that says "not run"."""
    path = out / "claims.csv"
    if not path.exists():
        return
    before = pd.read_csv(path)
    judged = before.loc[before["verdict"] != NOT_RUN, ["claim", "place", "compared"]].itertuples(index=False, name=None)
    now = page.table(outcomes)
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
