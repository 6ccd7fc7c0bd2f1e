"""The report in a real browser, on a narrow screen and a wide one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from automl.event_log import replay
from automl.insight import learn_from
from automl.report import write_report
from automl.timeline import read_timeline
from tests.report.runs import examined_run
from tests.report.test_architecture import searched_run

FRAME = """<iframe id="frame" src="run/report.html"
  style="width: {width}px; height: 900px; border: 0"></iframe>
<pre id="told"></pre>
<script>
frame.onload = () => {{
  const page = frame.contentDocument;
  const seen = page.documentElement.clientWidth;  // without the scroll bar
  const cut = (box, text) => box.getBoundingClientRect().right > seen ? [text.slice(0, 60)] : [];
  const captions = [...page.querySelectorAll(
    "caption span, figcaption, .outcome p, #findings td, #architecture li, .network text"
  )];
  told.textContent = JSON.stringify({{
    captions: captions.length,
    cut: captions.flatMap(one => cut(one, one.textContent)),
    wider: page.documentElement.scrollWidth > seen,
  }});
}};
</script>"""


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("chromium") is None, reason="`make programs` installs it")
@pytest.mark.parametrize("width", [320, 400, 1280])
def test_nothing_that_is_to_be_read_is_cut_on_a_screen_with_a_scroll_bar(
    width: int, tmp_path: Path
) -> None:
    examined_run(tmp_path / "run")
    study = replay(tmp_path / "run")
    write_report(study, tmp_path / "run", learn_from(study, read_timeline(tmp_path / "run")))
    assert_nothing_is_cut(width, tmp_path)


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("chromium") is None, reason="`make programs` installs it")
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_of_the_chapter_on_architectures_is_cut(width: int, tmp_path: Path) -> None:
    searched_run(tmp_path / "run")
    write_report(replay(tmp_path / "run"), tmp_path / "run")
    assert_nothing_is_cut(width, tmp_path)


def assert_nothing_is_cut(width: int, tmp_path: Path) -> None:
    (tmp_path / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'browser'}",
    ]
    page = f"file://{tmp_path / 'frame.html'}"
    command = [
        "chromium",
        *flags,
        "--virtual-time-budget=8000",
        "--window-size=1400,1000",
        "--dump-dom",
        page,
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = re.search(r'<pre id="told">(.*?)</pre>', said.stdout)
    assert found is not None
    told = json.loads(found.group(1))
    assert told["captions"] > 10
    assert told["cut"] == []
    assert not told["wider"]
