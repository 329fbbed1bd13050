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
    from kerasgan import GAN3D
    from kerasgan.data.kinds import Voxels
    from kerasgan.studies.publish import publish
    from kerasgan.zoo import preset as presets

    translator = "cyclegan_animals"
    GAN3D(Voxels((16, 16, 16, 1)), 3, width=2, seed=0).save_preset(tmp_path / "mine" / "voxels")
    chosen = [name for name in presets.names() if not name.startswith("classifier-")]
    chosen = [*(chosen if SCREENSHOT else ("dcgan_digits", translator)), str(tmp_path / "mine" / "voxels")]
    publish(tmp_path / "zoo", chosen, progress=lambda name: None)
    published = presets.read_json(tmp_path / "zoo" / "index.json")["presets"]
    address = served(tmp_path / "zoo")
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/index.html")
        first = page.locator("#generator").input_value()
        page.wait_for_selector(f'body[data-drawn="{first}:0"]', timeout=60_000)
        drawn = page.evaluate(COLOURS)
        page.locator("#next").click()
        page.wait_for_selector(f'body[data-drawn="{first}:1"]', timeout=60_000)
        other = page.evaluate(COLOURS)
        page.locator("#seed").fill("0")
        page.wait_for_selector(f'body[data-drawn="{first}:0"]', timeout=60_000)
        again = page.evaluate(COLOURS)
        label = page.locator("#canvas").get_attribute("aria-label")
        if SCREENSHOT:
            page.wait_for_load_state("networkidle")
            Path(SCREENSHOT).parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOT)
        cards = page.locator(".card:visible")
        everything = cards.count()
        page.locator("[name=text]").fill(f"{first} {published[first]['family'].lower()}")
        found, said = cards.count(), page.locator("#count").inner_text()
        page.locator("[type=reset]").click()
        page.wait_for_function("all => document.querySelectorAll('.card:not([hidden])').length === all", arg=everything)
        page.goto(f"{address}/{first}/index.html")
        page.locator(".copy").first.click()
        copied = page.locator(".copy").first.inner_text()
        page.goto(f"{address}/{translator}/index.html")
        page.locator(".pairs input").first.fill("20")
        shown = page.locator(".compare").first.evaluate("one => one.style.getPropertyValue('--shown')")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.goto(f"{address}/voxels/index.html")
        page.wait_for_selector("body[data-solids]")
        still = page.locator("#turn").inner_text()
        browser.close()
    assert not complaints
    assert all(url.startswith((address, "data:", "blob:")) for url in asked), asked
    assert any(url.endswith(f"{first}/model.onnx") for url in asked)
    assert len(set(drawn)) > 20  # grey levels: something was drawn
    assert drawn != other and drawn == again  # a seed has its picture
    assert "seed 0" in label and first in label
    assert found == 1 and said == f"1 of {everything} models"
    assert copied in ("Copied", "Selected: press Ctrl-C")
    assert shown == "20%" and wide <= 0
    assert still == "Turn"  # nothing moves for those who want no motion


COLOURS = """() => {
  const canvas = document.getElementById("canvas");
  return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
}"""
