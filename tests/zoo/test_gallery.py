"""The published page, in a real browser: it draws samples, and asks nobody but its own host."""

import os
import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Where KERASGAN_SCREENSHOT names a file, the page of the whole zoo is pictured there.
SCREENSHOT = os.environ.get("KERASGAN_SCREENSHOT")


@pytest.mark.skipif(not BROWSER, reason="needs Chromium")
def test_the_gallery_draws_in_the_browser_without_any_outside_request(served, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    from kerasgan.studies.publish import publish
    from kerasgan.zoo import preset as presets

    chosen = [name for name in presets.names() if not name.startswith("classifier-")]
    publish(tmp_path / "zoo", chosen if SCREENSHOT else chosen[:2], progress=lambda name: None)
    address = served(tmp_path / "zoo")
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/index.html")
        first = page.locator("#preset").input_value()
        page.wait_for_selector(f'body[data-drawn="{first}:0"]', timeout=60_000)
        drawn = page.evaluate(COLOURS)
        page.locator("#next").click()
        page.wait_for_selector(f'body[data-drawn="{first}:1"]', timeout=60_000)
        other = page.evaluate(COLOURS)
        page.locator("#seed").fill("0")
        page.wait_for_selector(f'body[data-drawn="{first}:0"]', timeout=60_000)
        again = page.evaluate(COLOURS)
        if SCREENSHOT:
            page.wait_for_load_state("networkidle")
            Path(SCREENSHOT).parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOT, full_page=True)
        browser.close()
    assert not complaints
    assert all(url.startswith((address, "data:", "blob:")) for url in asked), asked
    assert any(url.endswith(f"{first}/model.onnx") for url in asked)
    assert len(set(drawn)) > 20  # grey levels: something was drawn
    assert drawn != other and drawn == again  # a seed has its picture


COLOURS = """() => {
  const canvas = document.getElementById("canvas");
  return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
}"""
