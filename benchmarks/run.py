"""Measures the study's speed: all of it, or some parts: `python benchmarks/run.py throughput start`.

What it measures goes to a folder of the machine's own, results/benchmarks/<processor or GPU>.
"""

import argparse
import importlib
import json
import os
import re
from pathlib import Path
from typing import Any

import drawing
import pandas as pd
import readme
import torch
from setting import Setting

from activation_study.runs import files
from activation_study.training.environment import cpu_name, device_of, environment
from activation_study.training.execute import keep_freed_memory

PARTS = ("throughput", "watching", "convolutions", "start", "analysis", "growth", "company", "precision", "explorer")


def main() -> None:
    """Measures the parts asked for, one after the other, and writes the page anew after each."""
    options = parsed()
    keep_freed_memory()
    setting = Setting(device_of(options.device), options.data_dir, options.quick)
    out = options.out or Path("results/benchmarks") / machine(setting.device)
    for part in options.parts:
        print(f"{part} ...", flush=True)
        torch.set_num_threads(options.threads)  # anew each time: training sets it too
        table = importlib.import_module(part).measure(setting)
        write(out, part, table, described(setting, options))
        print(table.to_string(index=False), flush=True)
    print(out / "README.md")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all, or some of {', '.join(PARTS)}")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("ACTIVATION_STUDY_DATA", "data")))
    parser.add_argument("--out", type=Path, help="folder; default: results/benchmarks/<processor or GPU>")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU; default: all cores")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such part; choose some of {', '.join(PARTS)}")
    options.parts = options.parts or list(PARTS)
    return options


def machine(device: torch.device) -> str:
    """The name of the processor or the GPU as that of a folder, such as intel-xeon."""
    name = cpu_name() if device.type == "cpu" else torch.cuda.get_device_name(device)
    return "-".join(re.findall(r"[a-z0-9.]+", re.sub(r"\(\w+\)|processor|@.*", "", name.lower())))


def described(setting: Setting, options: argparse.Namespace) -> dict[str, Any]:
    """What the page says of how a part was measured."""
    known = environment(setting.device, "", torch.get_num_threads())
    beside = torch.backends.cpu.get_cpu_capability() if setting.device.type == "cpu" else f"beside {cpu_name()}"
    command = ["python benchmarks/run.py", *options.parts, *["--quick"] * setting.quick]
    return {
        "kind": setting.device.type,
        "device": f"{known['device']}, {beside}",
        "cores": os.cpu_count(),
        **{key: known[key] for key in ("torch", "python", "commit")},
        "command": " ".join(command),
        "quick": setting.quick,
    }


def write(out: Path, part: str, table: pd.DataFrame, how: dict[str, Any]) -> None:
    """Writes a part's table and figure, how it was measured, and the page of all parts that are there."""
    files.write(out / f"{part}.csv", lambda file: table.to_csv(file, index=False, float_format="%.6g"))
    if part in drawing.FIGURES:
        files.write(out / f"{part}.png", lambda file: file.write(drawing.png(part, table)))
    known = out / "environment.json"
    measured = (json.loads(known.read_text()) if known.exists() else {}) | {part: how}
    files.write_json(known, measured)
    abouts = {name: importlib.import_module(name).ABOUT for name in PARTS if name in measured}
    files.write(out / "README.md", lambda file: file.write(readme.page(out, abouts).encode()))


if __name__ == "__main__":
    main()
