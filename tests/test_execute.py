import gc
import platform
import subprocess
import sys

import pytest

from activation_study.runs.tables import without_collection

PROGRAM = """
import resource, torch
from activation_study.training.execute import keep_freed_memory

if {keeps}:
    keep_freed_memory()

def faults(blocks):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(blocks):
        torch.ones(12, 2**20)  # 48 MB, 12288 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(15)  # small blocks that lie in between leave gaps at first
print(faults(5))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_a_freed_block_is_taken_again_without_new_pages() -> None:
    again, anew = (
        int(subprocess.run([sys.executable, "-c", PROGRAM.format(keeps=keeps)], capture_output=True, check=True).stdout)
        for keeps in (True, False)
    )
    assert again < anew / 10


def test_the_garbage_collector_pauses_and_goes_on_as_before() -> None:
    with without_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(ValueError, match="damaged"), without_collection():
        raise ValueError("damaged")
    assert gc.isenabled()
