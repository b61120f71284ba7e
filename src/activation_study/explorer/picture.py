"""A picture of the page at work, taken in a browser: its first screen, and beside it a network that trains in it."""

import io
import shutil
from pathlib import Path

from PIL import Image

from activation_study.errors import refuse

WINDOW = {"width": 900, "height": 975}  # of each half, in pixels
GAP = 20  # pixels between them
STEPS = 400  # of the training, after which it is stopped
NETWORK = "#net=sigmoid&layers=8&gain=4&lr=0.05"  # deep sigmoids, which a larger scale of the weights rescues

TRAINED = """(steps) => new Promise((done) => {
    const status = document.getElementById("live-status");
    new MutationObserver(() => Number(status.dataset.steps) >= steps && done()).observe(status, { attributes: true });
})"""


def picture(page: Path) -> bytes:
    """A PNG of the page in a file, 256 colours.

    Raises:
        StudyError: playwright or chromium are not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        refuse("picture", True, "playwright is not installed; pip install -e '.[dev]'")
    if (chromium := shutil.which("chromium")) is None:
        refuse("picture", True, "chromium is not installed; it is Debian's package of that name")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        tab = browser.new_page(viewport=WINDOW, reduced_motion="reduce")  # type: ignore[arg-type]
        tab.goto(f"{page.resolve().as_uri()}{NETWORK}")
        tab.locator("html[data-ready]").wait_for()
        first = tab.screenshot()
        tab.locator("#live-title").evaluate("title => title.scrollIntoView()")
        tab.locator("#train").click()
        tab.evaluate(TRAINED, STEPS)
        tab.locator("#stop").click()
        second = tab.screenshot()
        browser.close()
    return _side_by_side(first, second)


def _side_by_side(*halves: bytes) -> bytes:
    images = [Image.open(io.BytesIO(half)).convert("RGB") for half in halves]
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    whole, at = Image.new("RGB", (width, images[0].height), "white"), 0
    for image in images:
        whole.paste(image, (at, 0))
        at += image.width + GAP
    small = io.BytesIO()
    few = whole.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(small, format="PNG", optimize=True)
    return small.getvalue()
