"""roundtrip report: what the page says, that it needs nothing from elsewhere, and where it is written."""
import json
import os
import re
import sqlite3
import subprocess
import threading

import html5lib
import lxml.html
import pytest

from profile import row
from year import Year

FETCHES = {"src", "href", "srcset", "poster", "data", "action", "background", "xlink:href"}


def page_of(profile, *args):
    """The page, parsed; whatever a strict HTML parser finds wrong is a failure."""
    profile.run("report", *args, "page.html")
    return read((profile.path / "page.html").read_bytes())


def read(raw):
    html5lib.HTMLParser(strict=True).parse(raw.decode())
    return lxml.html.fromstring(raw.decode())


def words(element):
    return " ".join(element.text_content().split())


def table(page, figure):
    """Rows of the table under a chart, without its head."""
    rows = page.xpath(f"//figure[@id='{figure}']//tbody/tr")
    return {words(r[0]): [words(c) for c in r[1:]] for r in rows}


def total(page, figure):
    return [sum(int(c.replace(",", "")) for c in column) for column in zip(*table(page, figure).values())]


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    made = Year(tmp_path_factory.mktemp("year") / "profile", 365)
    made.live()
    made.give_durations()
    return made.profile


@pytest.fixture(scope="module")
def page(year):
    return page_of(year)


# -- what it says ----------------------------------------------------------------------------------------------------
def query(profile, sql):
    with sqlite3.connect(f"file:{profile.path / 'state.db'}?mode=ro", uri=True) as db:
        found = db.execute(sql).fetchall()
    db.close()
    return found


def test_a_year_adds_up(year, page):
    """Every row that was handed over is in a bar's day, in its table, and in the sum."""
    for side, name in ((0, "external"), (1, "native")):
        sql = f"SELECT sum(action = 1), sum(action = 2), sum(action = 3) FROM delta JOIN delta_row USING (delta) WHERE side = {side}"
        assert total(page, f"to-{name}") == list(query(year, sql)[0])
        by_day = query(year, f"SELECT date(handed_at, 'unixepoch'), sum(rows) FROM delta WHERE side = {side} GROUP BY 1")
        assert {d: sum(map(int, c)) for d, c in table(page, f"to-{name}").items()} == dict(by_day)
        json_sum = ", ".join(f"sum(counts ->> '$.{name}.{w}')" for w in ("new", "changed"))
        assert total(page, f"from-{name}")[:2] == list(query(year, f"SELECT {json_sum} FROM run")[0])
    assert 300 < len(table(page, "runs")) <= 365


def test_bars_are_the_table(page):
    """Heights of the drawing, relative to the axis, are the numbers of the table."""
    for figure in ("to-external", "from-native", "runs"):
        top = page.xpath(f"//figure[@id='{figure}']//div[@class='y']/span")[0].text_content()
        top = int(top.split()[0].replace(",", ""))
        rows = table(page, figure)
        bars = page.xpath(f"//figure[@id='{figure}']//*[local-name()='g']")
        assert len(bars) == len(rows)
        for group in bars:
            day = group[0].text.split(":")[0]
            heights = [float(r.get("height")) * top / 100 for r in group[1:]]
            numbers = [n for n in (int(c.split()[0]) for c in rows[day]) if n]
            assert len(heights) == len(numbers)
            assert all(abs(h - n) < 0.06 for h, n in zip(heights, numbers)), (day, heights, numbers)


def test_what_waits_and_why(year, page):
    text = words(page.body)
    assert "Both sides changed the same field, differently." in text
    assert "Handed over, and not seen there for too long." in text
    items = page.xpath("//h2[.='Waiting for review']/..//details//tbody/tr")
    numbers = [n for n, in query(year, "SELECT item FROM item WHERE is_open AND kind = 'conflict'")]
    assert {int(words(r[0])) for r in items} >= set(numbers) and numbers
    assert any("body" == words(r[4]) for r in items)
    assert not re.search(r"written \d|another text|entered", text), "values of records are no part of the page"


def test_oldest_pending_insert(year, page):
    sql = """SELECT r.external_id, date(min(d.handed_at), 'unixepoch') FROM record AS r JOIN delta_row AS w USING (rid)
             JOIN delta AS d USING (delta) WHERE r.native_id IS NULL AND d.side = 1 GROUP BY r.rid ORDER BY min(d.handed_at), r.rid"""
    waiting = query(year, sql)
    rows = page.xpath("//h3[.='Pending inserts to Banner']/..//details//tbody/tr")
    assert [(words(r[0]), words(r[1])[:10]) for r in rows] == waiting and len(waiting) > 2
    assert "4 days oldest pending insert to Banner" in words(page.xpath("//ul[@class='numbers']")[0])


def test_a_repeated_insert_waits_since_the_first(p):
    """`retry` hands the same insert over again; what is told is how long the ID is missing."""
    p.trip(ext=[row("E1")])
    p.tick()
    p.run("retry", "E1")
    assert len(p.sync().native) == 1
    told = json.loads(p.run("report", "--json", "page.html").out)["native"]
    assert (told["pending_inserts"], told["oldest_pending_insert"], told["inserts"]) == (1, "2026-11-02T06:00:00Z", 2)


def test_deliveries_by_state(year, page):
    rows = table(page, "deltas-native")
    deltas, sent = query(year, "SELECT count(*), sum(rows) FROM delta WHERE side = 1")[0]
    count = {k: [int(n.replace(",", "")) for n in v] for k, v in rows.items()}
    assert sum(d for d, _ in count.values()) == deltas and sum(r for _, r in count.values()) == sent
    assert count["overdue"] == [1, 3] and count["handed over, not seen there yet"][0] == 1
    assert table(page, "deltas-external")["overdue"] == ["0", "0"], "it does not show what it imported"


def test_durations(year, page):
    longest = query(year, "SELECT max(ended - started) FROM run WHERE command = 'run'")[0][0]
    seconds = [s for s, in query(year, "SELECT ended - started FROM run WHERE command = 'run' ORDER BY 1")]
    run = next(r for r in page.xpath("//h2[starts-with(., 'Runs')]/../div//tbody/tr") if words(r[0]) == "run")
    assert [words(c) for c in run[1:4]] == ["365", f"{seconds[len(seconds) // 2]} s", f"{longest} s"]


@pytest.mark.parametrize("since, first", [("9999999999w", "0001-01-01"), ("0999-12-31", "0999-12-31")])
def test_since_long_before_anything(p, since, first):
    p.agree(row("E1", "N1"))
    assert first in page_of(p, "--since", since).text_content()
    assert json.loads(p.run("report", "--since", since, "--json", "page.html").out)["from"] == first + "T00:00:00Z"


def test_since(year):
    page = page_of(year, "--since", "30d")
    days = [d for f in ("to-native", "runs") for d in table(page, f)]
    assert days and min(days) >= "2026-10-21"
    assert page.xpath("//*[local-name()='svg']")[0].get("viewbox") == "0 0 31 100"
    page = page_of(year, "--since", "2026-11-20")
    assert page.xpath("//figure[@id='runs']//*[local-name()='svg']")[0].get("viewbox") == "0 0 7 100"
    page = page_of(year, "--since", "2024-01-01")
    assert words(page.xpath("//figure[@id='runs']//th")[0]) == "Week from"
    assert len(table(page, "runs")) == 53


def test_json(year):
    told = json.loads(year.run("report", "--json", "page.html").out)
    page = read((year.path / "page.html").read_bytes())
    assert [told["external"][k] for k in ("inserts", "updates", "deletes")] == total(page, "to-external")
    assert told["file"] == "page.html" and told["status"] == 0 and told["review"] == len(year.items())
    assert told["native"]["oldest_pending_insert"] == "2026-11-16T06:00:00Z" and told["native"]["deltas_overdue"] == 1


def test_of_a_new_profile(make):
    """Nothing happened yet: it says so, and divides by nothing."""
    p = make(resume=False)
    page = page_of(p)
    text = words(page.body)
    assert "Nothing: no person has to decide anything." in text and "No deltas yet." in text
    assert not page.xpath("//*[local-name()='svg']")
    assert "oldest_pending_insert\":null" in p.run("report", "--json", "page.html").out


# -- what it needs, and for whom -------------------------------------------------------------------------------------
def test_nothing_from_elsewhere(year, page):
    """No script, no address; the page itself forbids the browser to fetch anything."""
    raw = (year.path / "page.html").read_text()
    assert not page.xpath("//script | //link | //iframe | //img | //object | //form")
    for element in page.iter():
        assert not set(element.attrib) & FETCHES and not any(a.startswith("on") for a in element.attrib)
    assert not re.search(r"url\(|@import|https?:|javascript:", raw)
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_text_alternatives(page):
    charts = page.xpath("//*[local-name()='svg']")
    ids = page.xpath("//@id")
    assert len(charts) == 7 and len(ids) == len(set(ids))
    for svg in charts:
        assert svg.get("role") == "img"
        title, desc = (page.get_element_by_id(i) for i in svg.get("aria-labelledby").split())
        assert (title.tag, desc.tag) == ("title", "desc") and len(desc.text) > 20
        assert svg.xpath("ancestor::figure//table//th[@scope='row']"), "a table under it"
        assert svg.xpath("ancestor::figure/figcaption")[0].text_content() == title.text
    for th in page.xpath("//th"):
        assert th.get("scope") in ("row", "col")
    heads = [h.tag for h in page.xpath("//h1|//h2|//h3")]
    assert heads[0] == "h1" and heads.count("h1") == 1
    assert page.get("lang") == "en" and page.xpath("//meta[@name='viewport']")


def test_light_dark_print_phone(page):
    style = page.xpath("//style")[0].text
    for wanted in ("@media screen and (prefers-color-scheme:dark)", "@media print", "@media (max-width:30rem)"):
        assert wanted in style
    used = set(re.findall(r"var\((--\w+)\)", style))
    light, dark = (set(re.findall(r"(--\w+):", part)) for part in
                   (style.split("@media")[0], style.split("prefers-color-scheme:dark")[1].split("}}")[0]))
    assert used == light == dark, "each colour has its value in both"
    assert style.count("{") == style.count("}")


EVIL = """<script>alert("1")</script>&amp;'x"""


def test_everything_is_escaped(make):
    """Labels, names, IDs, file names, from either side, with all that HTML takes for its own."""
    names = {"output_name": "{side}-{stamp}-{delta}.csv"}
    p = make(profile={"name": EVIL}, external={"label": f"E {EVIL}", **names}, native={"label": f"N {EVIL}", **names})
    p.agree(row(f"E{EVIL}", f"N{EVIL}", summary="<b>"))
    p.trip(ext=[row(f"E{EVIL}", f"N{EVIL}", summary="<i>")], nat=[row(f"E{EVIL}", f"N{EVIL}", summary="<u>")])
    p.trip(ext=[row("P<p>\u2028é")])
    p.drop("native", raw=b"no,columns\n1,2\n", name="<img onerror=x>\xff_2026-11-09T0500.csv".encode("latin-1").decode("latin-1"))
    p.emit(status=65)
    page = page_of(p)
    assert not page.xpath("//script | //img | //u")
    assert EVIL in page.xpath("//h1")[0].text_content()
    assert f"E{EVIL} / N{EVIL}" in page.body.text_content()
    assert f"Came from E {EVIL}" in [t.text for t in page.iter("title")]
    assert "P<p>\u2028é" in page.body.text_content()
    assert "<img onerror=x>" in page.body.text_content()


# -- where it goes ---------------------------------------------------------------------------------------------------
def test_replaces_an_earlier_page_in_one_step(p):
    """Its permissions stay; a reader that has the old one open keeps it whole."""
    p.run("report", "page.html")
    file = p.path / "page.html"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with file.open("rb") as open_before:
        first = open_before.read(100)
        p.tick()
        p.run("report", "page.html")
        whole = first + open_before.read()
    assert whole.endswith(b"</html>\n") and whole != file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o644
    assert not list(p.path.glob(".roundtrip-*"))


def test_replaces_nothing_else(p):
    before = p.snapshot()
    for name in ("schema.csv", "state.db", "archive/journal"):
        result = p.run("report", name, status=64)
        assert f"{name} is there and is not a page of roundtrip" in result.err
    assert "is a folder" in p.run("report", "archive", status=64).err
    assert "is not the name of a file" in p.run("report", "new/", status=64).err
    assert p.snapshot() == before


def test_an_empty_file_is_room_for_it(p):
    p.put("page.html", "")
    p.run("report", "page.html")
    assert (p.path / "page.html").stat().st_size > 5000


def test_a_link_is_followed(p):
    (p.path / "pages").mkdir()
    p.run("report", "pages/1.html")
    (p.path / "page.html").symlink_to("pages/1.html")
    p.tick()
    p.run("report", "page.html")
    assert (p.path / "page.html").is_symlink()
    assert b"2026-11-02" in (p.path / "pages/1.html").read_bytes()


def test_standard_output_and_pipes(p):
    p.run("report", "page.html")
    page = (p.path / "page.html").read_bytes()
    assert p.run("report", "-").out_bytes == page
    assert "name a file" in p.run("report", "--json", "-", status=64).err
    assert p.run("report", "/dev/stdout").out_bytes == page
    os.mkfifo(p.path / "pipe")
    read_end = []
    reader = threading.Thread(target=lambda: read_end.append((p.path / "pipe").read_bytes()))
    reader.start()
    p.run("report", "pipe")
    reader.join(10)
    assert read_end == [page]


def test_cannot_be_written(p):
    before = p.snapshot()
    result = p.run("report", "nowhere/page.html", status=74)
    assert "cannot create a file in nowhere" in result.err and len(result.err.splitlines()) == 1
    assert "/dev/full" in p.run("report", "/dev/full", status=74).err
    assert p.run("report", "-", status=0).out
    done = subprocess.run(p.command("report", "-"), cwd=p.path, env=p.environment(), stdout=open("/dev/full", "w"), stderr=subprocess.PIPE)
    assert done.returncode == 74 and b"standard output" in done.stderr
    assert os.path.exists("/dev/full") and not os.path.isfile("/dev/full"), "a device stays one"
    assert p.snapshot() == before


def test_no_permission(p, tmp_path):
    """The folder may not be written to; root is made to heed that."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(drop + p.command("report", locked / "page.html"), cwd=p.path, env=p.environment(), capture_output=True, text=True)
    assert done.returncode == 74 and "Permission denied" in done.stderr, done
    assert not list(locked.iterdir())


def test_wrong_usage(p):
    assert "something is missing" in p.run("report", status=64).err
    assert "one word too many" in p.run("report", "a.html", "b.html", status=64).err
    assert "not a time" in p.run("report", "--since", "soon", "a.html", status=64).err
    assert "still to come" in p.run("report", "--since", "2027-01-01", "a.html", status=64).err
    assert "did you mean --since" in p.run("report", "--sinc", "3d", "a.html", status=64).err
    assert not (p.path / "a.html").exists()


def test_changes_nothing(year):
    before = year.snapshot()
    year.run("report", "page.html")
    after = year.snapshot()
    assert {k: v for k, v in after.items() if k != "page.html"} == {k: v for k, v in before.items() if k != "page.html"}
