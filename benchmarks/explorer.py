"""How long the explorer's page takes in a browser until it is drawn, and until it shows another choice."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from analysis import write_runs
from setting import Setting

from activation_study.explorer.page import html
from activation_study.runs import runs_in

ABOUT = """
The explorer's page of 500 runs of two networks each, 21 epochs, 2 to 8 hidden layers: from the call for the file until
all charts are drawn, and from a choice until the browser has painted what it changes in the window, which includes the
wait for its next frame, 17 ms at most; charts outside the window follow frame by frame. Besides, the time for which the
page's thread computed, for all charts: unlike the other it does not grow where other programs use the processor.
Chromium without a window, 1200 by 900 pixels; *4 times slower* is Chromium's own throttling, about a telephone.
"""
TUNING_SEEDS = [1000, 1001]
WINDOW = {"width": 1200, "height": 900}
PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
CHOSEN = """(turn) => {{ const choice = document.getElementById("{id}");
    choice.selectedIndex = (choice.selectedIndex + 1) % choice.options.length;
    choice.dispatchEvent(new Event("change", {{ bubbles: true }})) }}"""
CHOICES = {
    "another depth": CHOSEN.format(id="depth"),
    "another reference": CHOSEN.format(id="reference"),
    "other curves": CHOSEN.format(id="value"),
    "another activation": "(turn) => document.querySelector('#variants input').click()",
    "another epoch": """(turn) => { const slider = document.getElementById("epoch");
        slider.value = turn % (Number(slider.max) + 1);
        slider.dispatchEvent(new Event("input", { bubbles: true })) }""",
    "another layer": """(turn) => document.querySelector("#gradients .chart").dispatchEvent(
        new KeyboardEvent("keydown", { key: turn % 2 ? "ArrowLeft" : "ArrowRight" }))""",
}
WATCHED = {"other curves": "curves", "another epoch": "gradients", "another layer": "gradients"}  # else the verdict
TIMED = f"""async (turn) => {{ const begun = performance.now();
    (%s)(turn);
    await ({PAINTED})();
    return performance.now() - begun }}"""


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds of the page.

    Returns:
        Columns: processor, what, median_ms, min_ms, max_ms, computed_ms (the median), rounds, page_kb, note.
    """
    with tempfile.TemporaryDirectory() as folder:
        runs_dir, page = Path(folder) / "runs", Path(folder) / "explorer.html"
        write_runs(runs_dir, setting.choose(500, 2), f"train.epochs={setting.choose(20, 2)}")
        page.write_text(html(list(runs_in(runs_dir)), TUNING_SEEDS, Path("results/papers")))
        rows = list(_measured(page, setting.choose(9, 1)))
    grouped = pd.DataFrame(rows).groupby(["processor", "what"], sort=False)
    table = grouped["ms"].agg(median_ms="median", min_ms="min", max_ms="max")
    table = table.assign(computed_ms=grouped["computed"].median(), rounds=grouped["ms"].count())
    return table.assign(page_kb=grouped["kb"].first(), note=grouped["note"].first()).reset_index()


def _measured(path: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """Opens the page anew every round, after one that is not counted, and makes every choice once."""
    row = {"processor": "as it is", "what": "opened", "ms": float("nan"), "computed": float("nan"), "note": ""}
    row["kb"] = path.stat().st_size / 1000
    chromium = shutil.which("chromium")
    if chromium is None:
        yield row | {"note": "not measured: chromium is not installed"}
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        for turn in range(rounds + 1):
            for processor, slower in {"as it is": 1, "4 times slower": 4}.items():
                for what, ms, computed in _visit(browser, path, slower, turn):
                    if turn:
                        yield row | {"processor": processor, "what": what, "ms": ms, "computed": computed}
        browser.close()


def _visit(browser: Any, path: Path, slower: int, turn: int) -> Iterator[tuple[str, float, float]]:
    """What is done, how long it takes, and how long the page's thread computes for it, in milliseconds."""
    context = browser.new_context(offline=True, viewport=WINDOW)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})

    def computed() -> float:
        metrics = tools.send("Performance.getMetrics")["metrics"]
        return 1e3 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    page.goto(path.as_uri())
    page.locator("html[data-ready]").wait_for()
    page.evaluate(PAINTED)
    yield "opened", float(page.locator("html").get_attribute("data-ready")), computed()
    for what, choice in CHOICES.items():
        page.evaluate("id => document.getElementById(id).scrollIntoView()", WATCHED.get(what, "verdict"))
        before = computed()
        ms = page.evaluate(TIMED % choice, turn)
        page.locator("html:not([data-drawing])").wait_for()
        yield what, ms, computed() - before
    context.close()
