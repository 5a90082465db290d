"""The page in a real browser, as people have it: opened from a file, no network. Skipped where there is no chromium."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.trainers.evaluation.survey import studies
from trainers.cli import main
from trainers.evaluation.survey import asking, tally
from trainers.evaluation.survey.asking_options import Survey

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [pytest.mark.xdist_group("browser"),
              pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def study(tmp_path: Path, browser: Any) -> Path:
    """A survey of three groups of two and two questions; what is downloaded from it lies in `answers` beside it."""
    (tmp_path / "answers").mkdir()
    browser.execute_cdp_cmd("Browser.setDownloadBehavior",
                            {"behavior": "allow", "downloadPath": str(tmp_path / "answers")})
    asking.run(Survey(runs=studies.study(tmp_path), groups=3, questions=2, out=tmp_path / "study"))
    opened(browser, tmp_path / "study")
    browser.execute_script("localStorage.clear()")  # tests ask the same survey
    return tmp_path / "study"


def opened(browser: Any, study: Path, group: str = "") -> None:
    browser.get("about:blank")  # so that another group is another visit
    browser.get((study / "page" / "index.html").as_uri() + group)


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def shown(browser: Any) -> str:
    """The id of the section that is seen."""
    [section] = [one for one in browser.find_elements("css selector", "section") if one.is_displayed()]
    return str(section.get_attribute("id"))


def side_of(browser: Any, study: Path, wanted: str) -> str:
    """On which side the picture of this colour is: by its pixels."""
    sources = {one.get_attribute("value"): one.find_element("xpath", "../img").get_attribute("src").rpartition("/")[2]
               for one in browser.find_elements("css selector", "[name=side]")}
    [side] = [side for side, name in sources.items()
              if studies.colour(study / "page" / "pictures" / name) == wanted]
    return str(side)


def answer(browser: Any, study: Path, wanted: str) -> None:
    find(browser, f"[value={side_of(browser, study, wanted)}]").click()
    find(browser, "form button.main").click()


def until(holds: Callable[[], Any]) -> Any:
    """What it gives, as soon as it gives something."""
    for _ in range(200):
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


def saved(browser: Any, study: Path) -> dict[str, Any]:
    """The newest file that the button saves."""
    there = set((study.parent / "answers").glob("*.json"))
    find(browser, "#save").click()
    [path] = until(lambda: set((study.parent / "answers").glob("*.json")) - there)
    found: dict[str, Any] = until(lambda: path.read_text(encoding="utf-8") and json.loads(path.read_text("utf-8")))
    return found


def test_a_person_answers_saves_and_is_counted(browser: Any, study: Path) -> None:
    opened(browser, study, "#2")
    assert shown(browser) == "intro" and "4 questions" in find(browser, "#intro").text
    find(browser, "#begin").click()
    kinds = []
    for number in range(1, 5):
        assert find(browser, "#number").text == f"{number} of 4"
        kinds.append(find(browser, "#reference").is_displayed())
        assert ("reference" in find(browser, "#asked").text) == kinds[-1]
        assert ("“a duck toy at place" in find(browser, "#asked").text) != kinds[-1]
        seen = "return [...document.images].filter(one => one.offsetParent && one.naturalWidth === 24).length"
        until(lambda: browser.execute_script(seen) == 2 + kinds[-1])  # noqa: B023 (asked at once)
        answer(browser, study, "red" if number != 4 else "blue")
    assert kinds == [True, True, False, False]
    assert shown(browser) == "end" and "4 of 4" in find(browser, "#answered").text
    file = saved(browser, study)
    form = tally.opened(study / "survey.json")
    assert file["survey"] == form.id and file["group"] == 2 and len(file["person"]) == 16
    assert set(file["answers"]) == {one.id for one in form.questions if one.group == 2}
    assert main(["survey-results", "--survey", str(study), "--answers", str(study.parent / "answers"), "--out",
                 str(study.parent / "out")]) == 0
    said = json.loads((study.parent / "out" / "results.json").read_text(encoding="utf-8"))
    assert [(row["kind"], row["preferred"], row["answers"]) for row in said["rows"]] == [("reference", 2, 2),
                                                                                        ("prompt", 1, 2)]
    assert said["rejected"] == {}


def test_progress_survives_a_reload_and_the_next_person_begins_anew(browser: Any, study: Path) -> None:
    opened(browser, study)
    find(browser, "#begin").click()
    answer(browser, study, "red")
    answer(browser, study, "blue")
    browser.refresh()
    find(browser, "#begin").click()
    assert find(browser, "#number").text == "3 of 4"
    find(browser, "#back").click()
    assert find(browser, f"[value={side_of(browser, study, 'blue')}]").is_selected()
    find(browser, "form button.main").click()
    for _ in range(2):
        answer(browser, study, "red")
    first = saved(browser, study)
    assert len(first["answers"]) == 4
    find(browser, "#another").click()
    until(lambda: shown(browser) == "intro")
    find(browser, "#begin").click()
    assert find(browser, "#number").text == "1 of 4"
    assert not browser.find_elements("css selector", "[name=side]:checked")
    for _ in range(4):
        answer(browser, study, "red")
    second = saved(browser, study)
    assert second["person"] != first["person"]


def test_the_keyboard_is_enough_and_nothing_is_skipped(browser: Any, study: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, study, "#1")
    press = webdriver.ActionChains(browser)
    press.send_keys(Keys.TAB, Keys.ENTER).perform()  # Begin
    assert shown(browser) == "question"
    find(browser, "form button.main").send_keys(Keys.ENTER)
    assert find(browser, "#trouble").text == "Choose one of the two pictures."
    assert find(browser, "#number").text == "1 of 4"
    for _ in range(4):
        browser.execute_script("document.getElementById('asked').focus()")
        webdriver.ActionChains(browser).send_keys(Keys.TAB, Keys.SPACE).perform()
        webdriver.ActionChains(browser).send_keys(Keys.ARROW_RIGHT, Keys.ENTER).perform()
    assert shown(browser) == "end"
    assert list(saved(browser, study)["answers"].values()) == ["right"] * 4


def test_everybody_can_read_it(browser: Any, study: Path) -> None:
    opened(browser, study)
    assert browser.execute_script("return document.documentElement.lang") == "en"
    find(browser, "#begin").click()
    assert browser.switch_to.active_element.get_attribute("id") == "asked"
    assert [find(browser, f"[value={side}]").accessible_name for side in ("left", "right")] == ["Left picture",
                                                                                              "Right picture"]
    assert find(browser, "#reference img").accessible_name == "The reference"
    assert find(browser, "progress").accessible_name == "Question 1 of 4"
    assert find(browser, "fieldset").accessible_name == find(browser, "#asked").text
    browser.set_window_size(360, 640)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    boxes = [one.rect for one in browser.find_elements("css selector", ".pair img")]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]  # left is left on a telephone too
    browser.set_window_size(1280, 900)


def test_groups_come_by_chance_or_as_asked(browser: Any, study: Path) -> None:
    opened(browser, study)
    drawn = browser.execute_script("return Array.from({length: 300}, someGroup)")
    assert set(drawn) == {1, 2, 3} and min(map(drawn.count, (1, 2, 3))) > 50  # of 100: 6 standard deviations
    kept = browser.execute_script("return state.group")
    assert kept in drawn
    for asked, group in (("#9", kept), ("#1.5", kept), ("#x", kept), ("#3", 3), ("#1", 1), ("", 1)):
        opened(browser, study, asked)
        assert browser.execute_script("return state.group") == group


def test_nothing_is_fetched_from_elsewhere_and_a_hostile_prompt_does_nothing(browser: Any, tmp_path: Path) -> None:
    hostile = "<img src=https://example.org/x onerror=\"document.title='owned'\"></script><script>alert(1)</script>"
    plan = [msgspec.structs.replace(job, texts={"CLIP-T": hostile}) for job in studies.jobs()]
    runs = [studies.evaluated(tmp_path / name, plan, studies.RED) for name in ("a", "b")]
    asking.run(Survey(runs=",".join(map(str, runs)), plan="quick", out=tmp_path / "study"))
    for log in ("browser", "performance"):
        browser.get_log(log)
    opened(browser, tmp_path / "study")
    find(browser, "#begin").click()
    for _ in range(5):
        find(browser, "[value=left]").click()
        find(browser, "form button.main").click()
    assert hostile in find(browser, "#asked").text and browser.title == "Which picture?"
    events = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    fetched = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
    assert len(fetched) == 3 and all(name.startswith("file:") for name in fetched)  # page, picture, reference
    assert not browser.get_log("browser")
    refused = browser.execute_async_script(
        "const done = arguments[0]; addEventListener('securitypolicyviolation', event => done(event.blockedURI));"
        "new Image().src = 'https://example.org/x.png'")
    assert refused.startswith("https://example.org")


def test_a_missing_picture_is_told(browser: Any, study: Path) -> None:
    shutil.rmtree(study / "page" / "pictures")
    opened(browser, study)
    find(browser, "#begin").click()
    until(lambda: "A picture is missing" in find(browser, "#trouble").text)
