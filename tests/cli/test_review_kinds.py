"""Every kind of review item, from its beginning to its end: how it arises, how it is listed and shown, what each answer
does, and that the other rows of the same file went through meanwhile."""
import sqlite3

import pytest

import state_file
from profile import MODIFIED, SCHEMA, field, only, pick, row

E9, PASSES = row("E9", "N9", summary="nine"), row("E9", "N9", summary="passes")
PLAIN = row("E1", "N1")
NEW, OLD = "2026-10-02T00:00:00Z", "2026-10-01T00:00:00Z"
NUMBER = SCHEMA + [field("amount", type="number")]


def passed(deltas, side):
    """E9's edit, which was in the file that raised the question, was sent; nothing else was."""
    assert pick(only(deltas.side(side)), "x", "summary") == ("E9", "passes"), deltas.result
    assert len(deltas) == 1, deltas.result


def sends(p, side, **cells):
    """The next emit writes one row, for that side, with these cells; then it is quiet."""
    deltas = p.sync()
    found = only(deltas.side(side))
    assert {k: found.get(k) for k in cells} == cells and len(deltas) == 1, deltas.result
    assert p.sync().nothing


def sends_nothing(p):
    assert p.sync().nothing


# -- how each arises: a profile in which the item is open, and E9 has passed ------------------------------------------------
def conflict(make):
    p = make().agree(PLAIN, E9)
    passed(p.trip(ext=[row("E1", "N1", summary="left"), PASSES], nat=[row("E1", "N1", summary="right")]), "native")
    return p


def first_seen(make):
    p = make().agree(PLAIN, E9)
    p.schema.append(field("extra"))
    p.write()
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")
    passed(p.trip(ext=[{**PLAIN, "extra": "left"}, {**PASSES, "extra": "x"}],
                  nat=[{**PLAIN, "extra": "right"}, {**E9, "extra": "x"}]), "native")
    return p


def clash(make):
    p = make().agree(PLAIN, row("E2", "N2", summary="two"), E9)
    passed(p.trip(nat=[row("E1", "N2", summary="crossed"), PASSES]), "external")
    return p


def suspected(make):
    p = make().agree(E9)
    p.trip(ext=[row("E1")])
    passed(p.trip(nat=[row(n="N1"), PASSES], hours=1), "external")
    return p


def repeated(make):
    p = make().agree(PLAIN, E9)
    passed(p.trip(nat=[row("E1", "N1", summary="a"), PASSES, row("E1", "N1", summary="b")]), "external")
    return p


def rejected(make):
    p = make(schema=NUMBER).agree({**PLAIN, "amount": "1"}, {**E9, "amount": "9"})
    passed(p.trip(nat=[{**PLAIN, "amount": "many"}, {**PASSES, "amount": "9"}]), "external")
    return p


def refused(make):
    p = make().agree(PLAIN, E9)
    p.tick(1)
    p.drop("native", [PASSES])
    p.tick(1)
    p.drop("native", raw=b"no csv\n\"")
    p.drop("external", [row("E1", "N1", summary="two")])
    passed(p.sync(status=65), "external")
    return p


def missing(make, **native):
    p = make(external={"content": "snapshot", "deletes": "review"}, native=native).agree(PLAIN, row("E2", "N2"), E9)
    passed(p.trip(ext=[PLAIN, PASSES]), "native")
    return p


def edit_vs_delete(make, **native):
    p = make(external={"content": "snapshot", "deletes": "review"}, native=native).agree(PLAIN, row("E2", "N2"), E9)
    passed(p.trip(ext=[PLAIN, PASSES], nat=[row("E2", "N2", summary="edited")]), "native")
    return p


def not_taken(make):
    p = make().agree(PLAIN, E9)
    p.trip(ext=[row("E1", "N1", summary="two")])
    passed(p.trip(nat=[PLAIN, PASSES], hours=48), "external")
    return p


def overdue(make):
    p = make().agree(E9)
    p.trip(ext=[row("E1")])
    passed(p.trip(nat=[PASSES], hours=24 * 4), "external")
    return p


def flapping(make):
    p = make().agree(row("E1", "N1", summary="A"), E9)
    for value in ("B", "A", "B"):
        p.trip(ext=[row("E1", "N1", summary=value)], hours=1)
        p.trip(nat=[row("E1", "N1", summary=value)], hours=1)
    passed(p.trip(ext=[row("E1", "N1", summary="A"), PASSES], hours=1), "native")
    return p


def altered(make):
    p = make().agree(PLAIN, E9)
    p.trip(ext=[row("E1", "N1", body="a long text that is cut")])
    passed(p.trip(nat=[row("E1", "N1", body="a long tex"), PASSES]), "external")
    return p


def went_back(make):
    new, old = "2026-11-01T10:00:00Z", "2026-10-01T10:00:00Z"
    p = make(schema=SCHEMA + [MODIFIED]).agree({**PLAIN, "modified": new}, {**E9, "modified": new})
    passed(p.trip(ext=[row("E1", "N1", summary="old", modified=old), {**PASSES, "modified": new}]), "native")
    return p


def read_only(make):
    p = make(profile={"mode": "single-trip"}).agree(PLAIN, E9)
    passed(p.trip(ext=[PASSES], nat=[row("E1", "N1", summary="theirs")]), "native")
    return p


# kind, how it arises, (external, native) ID in the list, words of `review show`, {answer: what it leads to}
KINDS = [
    ("conflict", conflict, ("E1", "N1"), ("left", "right", "take external", "take native"), {
        "take external": lambda p: sends(p, "native", x="E1", summary="left"),
        "take native": lambda p: sends(p, "external", n="N1", summary="right")}),
    ("first-seen", first_seen, ("E1", "N1"), ("extra", "left", "right", "take external"), {
        "take external": lambda p: sends(p, "native", x="E1", extra="left"),
        "take native": lambda p: sends(p, "external", n="N1", extra="right")}),
    ("clash", clash, ("E1", "N1"), ("accept:", "joins", "dismiss:", "ignores"), {
        "accept": lambda p: [p.decide("take", "conflict", "native"),
                             sends(p, "external", x="E1", n="N2", summary="crossed")],
        "dismiss": sends_nothing}),
    ("suspected", suspected, ("", "N1"), ("accept:", "binds", "dismiss:", "another"), {
        "accept": lambda p: [sends_nothing(p), p.run("show", "E1").out.index("N1")],
        "dismiss": lambda p: sends(p, "external", x="", n="N1", summary="one")}),
    ("repeated", repeated, ("E1", "N1"), ("accept:", "last", "dismiss:", "ignores"), {
        "accept": lambda p: sends(p, "external", x="E1", summary="b"),
        "dismiss": sends_nothing}),
    ("rejected", rejected, ("E1", "N1"), ("accept:", "rejects/", "dismiss:", "many"), {
        "accept": lambda p: [sends_nothing(p), only(p.trip(ext=[{**PLAIN, "amount": "2"}]).native)["amount"]],
        "dismiss": lambda p: [sends_nothing(p), only(p.trip(ext=[{**PLAIN, "amount": "2"}]).native)["amount"]]}),
    ("refused", refused, ("", ""), ("accept:", "not needed", "dismiss:"), {
        "accept": lambda p: sends(p, "native", x="E1", summary="two"),
        "dismiss": lambda p: sends(p, "native", x="E1", summary="two")}),
    ("missing", lambda make: missing(make, action_column="Action"), ("E2", "N2"), ("accept:", "deletes", "dismiss:"), {
        "accept": lambda p: sends(p, "native", n="N2", Action="delete"),
        "dismiss": lambda p: [sends_nothing(p), sends_nothing_for(p.trip(nat=[row("E2", "N2", summary="x")]))]}),
    ("edit-vs-delete", edit_vs_delete, ("E2", "N2"), ("accept:", "inserted again", "dismiss:", "edited"), {
        "accept": lambda p: sends(p, "external", x="", n="N2", summary="edited"),
        "dismiss": sends_nothing}),
    ("not-taken", not_taken, ("", ""), ("accept:", "again", "dismiss:", "edit"), {
        "accept": lambda p: sends(p, "native", x="E1", summary="two"),
        "dismiss": lambda p: sends(p, "external", x="E1", summary="one")}),
    ("overdue", overdue, ("", ""), ("accept:", "again", "dismiss:", "waiting"), {
        "accept": lambda p: sends(p, "native", x="E1", n="", summary="one"),
        "dismiss": sends_nothing}),
    ("flapping", flapping, ("E1", "N1"), ("accept:", "sends", "dismiss:", "keeps"), {
        "accept": lambda p: sends(p, "native", x="E1", summary="A"),
        "dismiss": sends_nothing}),
    ("altered", altered, ("E1", "N1"), ("accept:", "longer", "dismiss:", "shorter", "a long text that is cut"), {
        "accept": sends_nothing,
        "dismiss": lambda p: sends(p, "external", x="E1", body="a long tex")}),
    ("went-back", went_back, ("E1", "N1"), ("accept:", "older", "dismiss:", "ignores"), {
        "accept": lambda p: sends(p, "native", x="E1", summary="old"),
        "dismiss": sends_nothing}),
    ("read-only", read_only, ("E1", "N1"), ("accept:", "leaves", "dismiss:", "overwrites", "theirs"), {
        "accept": sends_nothing,
        "dismiss": lambda p: sends(p, "native", x="E1", summary="one")}),
]
BY_KIND = {kind[0]: kind for kind in KINDS}
ANSWERS = [(kind[0], answer) for kind in KINDS for answer in kind[4]]


def sends_nothing_for(deltas):
    assert deltas.nothing, deltas.result


def of_kind(p, kind):
    return [item for item in p.items() if item["kind"] == kind]


def test_every_kind_of_the_manual_is_here():
    page = (__import__("pathlib").Path(__file__).parents[2] / "man/roundtrip-review.1").read_text()
    kinds = page.split(".Ss Kinds")[1].split(".Sh ")[0]
    assert {line.split()[-1] for line in kinds.splitlines() if line.startswith(".It Cm ")} == set(BY_KIND)


@pytest.mark.parametrize("kind", BY_KIND)
def test_is_listed_once_and_stays_until_decided(make, kind):
    p = BY_KIND[kind][1](make)
    items = of_kind(p, kind)
    assert len(items) == (2 if kind == "clash" else 1), p.items()     # a clash is about both records
    assert [pick(i, "external_id", "native_id") for i in items][0] == BY_KIND[kind][2]
    assert [i["kind"] for i in p.items()] == [kind] * len(items)
    assert kind in p.run("review").out
    p.sync(status=65 if kind == "refused" else 0)
    assert [i["item"] for i in of_kind(p, kind)] == [i["item"] for i in items]


@pytest.mark.parametrize("kind", BY_KIND)
def test_show_tells_what_it_is_and_what_the_answers_do(make, kind):
    p = BY_KIND[kind][1](make)
    out = p.run("review", "show", of_kind(p, kind)[0]["item"]).out
    for word in (kind, *BY_KIND[kind][3]):
        assert word in out, out


@pytest.mark.parametrize("kind", [k for k in BY_KIND if any(BY_KIND[k][2])])
def test_show_tells_the_history_of_the_record(make, kind):
    p = BY_KIND[kind][1](make)
    for item in of_kind(p, kind):
        told = p.run("review", "show", item["item"]).out
        named = next(f"{side}:{item[f'{side}_id']}" for side in ("external", "native") if item[f"{side}_id"])
        assert p.run("show", named).out.split("\nstory\n")[1] == told.split("\nstory\n")[1]


@pytest.mark.parametrize("kind, answer", ANSWERS, ids=[f"{k}-{a.replace(' ', '-')}" for k, a in ANSWERS])
def test_answer(make, kind, answer):
    p = BY_KIND[kind][1](make)
    verb, *side = answer.split()
    number = of_kind(p, kind)[0]["item"]
    p.run("review", verb, number, *side)
    assert not of_kind(p, kind)
    assert "closed" in p.run("review", verb, number, *side, status=64).err
    BY_KIND[kind][4][answer](p)
    assert not p.items()


@pytest.mark.parametrize("kind", BY_KIND)
def test_wrong_answer_is_64_and_decides_nothing(make, kind):
    p = BY_KIND[kind][1](make)
    number = of_kind(p, kind)[0]["item"]
    wrong = [["accept", number], ["dismiss", number]] if kind in ("conflict", "first-seen") else [["take", number, "native"]]
    for args in wrong:
        p.run("review", *args, status=64)
    assert of_kind(p, kind)


@pytest.mark.parametrize("kind", BY_KIND)
def test_is_counted_by_status_and_warned_of(make, kind):
    p = BY_KIND[kind][1](make)
    assert "review" in p.run("status").out
    p.run("status", "--check", status=2 if kind == "refused" else 1)


# -- overdue: emit and run notice it by themselves -------------------------------------------------------------------------
def open_items(p):
    with sqlite3.connect(f"file:{p.path}/state.db?mode=ro", uri=True) as db:
        return [kind for kind, in db.execute("SELECT kind FROM item WHERE is_open")]


@pytest.mark.parametrize("command", ["emit", "run"])
def test_overdue_is_noted_without_anybody_looking(p, command):
    p.trip(ext=[row("E1")])
    p.tick(24 * 3 - 1)
    p.run(command)
    assert open_items(p) == []
    p.tick(2)
    p.run(command)
    assert open_items(p) == ["overdue"]
    p.tick()
    p.drop("native", [row("E1", "N1")])
    p.run(command)
    assert open_items(p) == []


def test_nothing_is_overdue_where_imports_are_not_shown(make):
    p = make(native={"shows_imports": "no"})
    p.trip(ext=[row("E1")])
    p.tick(24 * 30)
    p.emit()
    assert open_items(p) == []


def test_confirmed_insert_still_waits_for_its_id_and_becomes_overdue(p):
    delta = p.trip(ext=[row("E1")])[0]
    p.run("confirm", delta.name)
    p.tick(24 * 4)
    p.emit()
    assert open_items(p) == ["overdue"]
    assert ": overdue\n" in p.run("status").out
    assert "database: 1 row overdue" in p.run("status", "--check", status=1).out
    p.decide("accept", "overdue")
    assert pick(only(p.sync().native), "x", "n") == ("E1", "")


def test_confirmed_insert_waits_for_nothing_where_rows_are_found_by_either_id(p):
    delta = p.trip(nat=[row(n="N1")])[0]
    p.run("confirm", delta.name)
    p.tick(24 * 4)
    p.emit()
    assert open_items(p) == []
    assert "in flight" not in p.run("status").out
    p.run("status", "--check")


def test_update_after_the_overdue_one_is_its_own_delta(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.tick(24 * 4)
    pair.trip(ext=[row("E1", "N1", summary="three")])
    assert open_items(pair) == ["overdue"]
    pair.trip(nat=[row("E1", "N1", summary="three")], hours=1)
    assert open_items(pair) == []


def test_an_item_names_no_row_that_another_question_is_about(make):
    p = make(schema=NUMBER).agree(row("E1", "N1", amount="1"))
    p.trip(ext=[row("E1", "N1", summary="left", amount="many")])
    p.trip(nat=[row("E1", "N1", summary="two", amount="1"), row("E1", "N1", summary="three", amount="1")])
    p.trip(ext=[row("E1", "N1", summary="left", amount="much")])
    assert {i["kind"]: i["side"] for i in p.items()} == {"rejected": "external", "repeated": "native"}


def test_a_missing_record_with_a_rejected_row_is_not_said_to_come_from_that_row(make):
    p = make(schema=NUMBER, native={"deletes": "review", "content": "snapshot"}, policy={"max_change_percent": "none"})
    p.agree(row("E1", "N1", amount="1"), row("E2", "N2", amount="1"))
    p.trip(ext=[row("E1", "N1", amount="many")])
    p.trip(nat=[row("E2", "N2", amount="1")])
    (item,) = of_kind(p, "missing")
    assert (item["side"], item["file"], item["line"]) == ("", "", ""), item


def test_rejected_item_names_the_file_and_line_of_the_rejected_row(make):
    p = make(schema=NUMBER).agree(row("E1", "N1", amount="1"))
    p.trip(ext=[row("E2", amount="2"), row("E1", "N1", amount="many")])
    item = only(of_kind(p, "rejected"))
    file, = (p.path / "archive/in/external").glob(f"*-{item['file']}")
    assert "many" in file.read_text().splitlines()[int(item["line"]) - 1]


# -- several questions about one record -------------------------------------------------------------------------------------
def test_each_item_keeps_the_rows_that_it_is_about(make):
    new, old = "2026-11-01T10:00:00Z", "2026-10-01T10:00:00Z"
    p = make(schema=NUMBER + [MODIFIED]).agree(row("E1", "N1", amount="1", modified=new))
    p.trip(ext=[row("E1", "N1", summary="old", amount="1", modified=old)])
    p.trip(nat=[row("E1", "N1", amount="many", modified=new)])
    p.decide("accept", "rejected")
    p.decide("accept", "went-back")
    sends(p, "native", x="E1", n="N1", summary="old", amount="1")


def test_item_about_rows_tells_the_ids_and_values_that_its_record_has_now(p):
    p.trip(nat=[row(n="N1")])
    p.trip(nat=[row(n="N1", summary="two"), row(n="N1", summary="three")])
    p.trip(ext=[row("E1", "N1", body="longer")])
    item = only(p.items("repeated"))
    assert (item["external_id"], item["native_id"], item["line"]) == ("E1", "N1", "2")
    shown = p.run("review", "show", item["item"]).out
    assert "EverTrue: longer" in shown and "summary: three" in shown
    assert p.trip(ext=[row("E1", "N1", body="longer still")]).nothing
    p.run("review", "accept", item["item"], status=2)            # it tells something else since it was listed
    p.decide("accept", "repeated")
    assert pick(only(p.sync().native), "summary", "body") == ("three", "longer still")


def test_a_clash_later_on_does_not_replace_the_repeated_rows(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    pair.trip(nat=[row("E9", "N1")])
    pair.decide("dismiss", "clash")
    pair.decide("accept", "repeated")
    sends(pair, "native", x="E1", summary="three")


@pytest.mark.parametrize("kind", ["repeated", "went-back"])
@pytest.mark.parametrize("first", ["clash", "other"])
def test_a_clash_of_the_same_side_later_on_does_not_replace_the_rows(make, kind, first):
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified=NEW))
    rows = {"repeated": [row("E1", "N1", summary="two"), row("E1", "N1", summary="three")],
            "went-back": [row("E1", "N1", summary="three", modified=OLD)]}[kind]
    crossed = [row("E9", "N1", summary="crossed")]
    for file in (rows, crossed):
        assert p.trip(ext=file).nothing
    assert sorted(i["kind"] for i in p.items()) == sorted([kind, "clash"])
    answers = [("dismiss", "clash"), ("accept", kind)]
    for verb, what in answers if first == "clash" else answers[::-1]:
        p.decide(verb, what)
    sends(p, "native", x="E1", summary="three")
    assert not p.items()


def test_two_clashes_of_one_id_beside_other_questions_are_both_asked(make):
    p = make().agree(PLAIN, row("E2", "N2"))
    p.trip(ext=[row(f"E{i}", f"N{i}", summary=text) for i in (1, 2) for text in ("two", "three")])
    p.trip(ext=[row("E9", "N1", summary="crossed"), row("E9", "N2", summary="again")])
    assert sorted(pick(i, "external_id", "native_id") for i in p.items("clash")) == [("E9", "N1"), ("E9", "N2")]
    p.trip(ext=[row("E9", "N1", summary="newer"), row("E9", "N2", summary="again")])
    shown = [p.run("review", "show", i["item"]).out for i in p.items("clash")]
    assert len(shown) == 2 and "newer" in shown[0] + shown[1] and "crossed" not in shown[0] + shown[1]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("other", [[], [row("E1", "N1", body="two"), row("E1", "N1", body="three")]], ids=["", "beside"])
def test_two_clashes_of_one_record_are_both_asked(make, at_once, other):
    p = make().agree(PLAIN)
    p.trip(nat=other)
    crossed, again = row("E8", "N1", summary="crossed"), row("E9", "N1", summary="again")
    for rows in ([[crossed, again]] if at_once else [[crossed], [again]]):
        p.trip(ext=rows)
    assert sorted(i["external_id"] for i in p.items("clash")) == ["E1", "E9"]
    p.trip(ext=[again, row("E8", "N1", summary="newer")])
    items = p.items("clash")
    shown = [p.run("review", "show", i["item"]).out for i in items]
    assert len(shown) == 2 and "newer" in shown[0] + shown[1] and "crossed" not in shown[0] + shown[1]
    p.run("review", "dismiss", next(i["item"] for i in items if i["external_id"] == "E1"))
    p.trip(ext=[row("E2", summary="another")], nat=[row("E1", "N1", body="typed")])
    assert "again" in p.run("review", "show", only(p.items("clash"))["item"]).out
    p.decide("dismiss", "clash")
    assert only(p.sync().external)["body"] == "typed"


@pytest.mark.parametrize("kind", ["repeated", "went-back"])
@pytest.mark.parametrize("side", ["ext", "nat"])
def test_rows_in_question_go_with_the_id_that_a_clash_parts(make, kind, side):
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified=NEW))
    rows = {"repeated": [row("E1", summary="two"), row("E1", summary="three")],
            "went-back": [row("E1", summary="three", modified=OLD)]}[kind]
    p.trip(ext=rows)
    p.trip(**{side: [row("E9", "N1")]})
    p.decide("accept", "clash")
    item = only(p.items())
    assert pick(item, "kind", "external_id", "native_id") == (kind, "E1", "")
    p.decide("accept", kind)
    assert pick(only(p.sync().native), "x", "n", "summary") == ("E1", "", "three")
    assert not p.items()


def test_rows_in_question_of_both_sides_are_parted_with_their_ids(make):
    p = make().agree(PLAIN)
    p.trip(ext=[row("E1", summary="two"), row("E1", summary="three")],
           nat=[row("", "N1", body="four"), row("", "N1", body="five")])
    p.trip(ext=[row("E9", "N1")])
    p.decide("accept", "clash")
    shown = {i["external_id"]: p.run("review", "show", i["item"]).out for i in p.items("repeated")}
    assert sorted(shown) == ["E1", "E9"]
    assert "two" in shown["E1"] and "four" not in shown["E1"]
    assert "four" in shown["E9"] and "two" not in shown["E9"]


def test_a_clash_beside_another_question_closes_with_a_good_row(make):
    p = make().agree(PLAIN)
    p.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    p.trip(ext=[row("E9", "N1", summary="crossed")])
    assert only(p.trip(ext=[row("E1", "N1", summary="four")]).native)["summary"] == "four"
    assert not p.items("repeated")
    p.trip(ext=[row("E2", summary="another")])
    assert not p.items(), "the record was shown since"


def test_a_clash_beside_another_question_outlives_it(make):
    p = make().agree(PLAIN)
    p.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    p.trip(ext=[row("E9", "N1", summary="crossed")])
    p.decide("dismiss", "repeated")
    p.trip(ext=[row("E2", summary="another")], nat=[row("E1", "N1", body="typed")])
    assert only(p.items())["kind"] == "clash"
    p.decide("dismiss", "clash")
    assert only(p.sync().external)["body"] == "typed"


def test_repeated_rows_of_both_sides_are_decided_together(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")],
              nat=[row("E1", "N1", body="four"), row("E1", "N1", body="five")])
    assert len(pair.items("repeated")) == 1
    pair.decide("accept", "repeated")
    deltas = pair.sync()
    for side in ("external", "native"):
        assert pick(only(deltas.side(side)), "summary", "body") == ("three", "five")
    assert not pair.items() and pair.sync().nothing


def test_repeated_rows_stay_when_those_of_the_other_side_are_settled(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    pair.trip(nat=[row("E1", "N1", body="four"), row("E1", "N1", body="five")])
    pair.trip(nat=[row("E1", "N1", body="six")])
    assert "five" not in pair.run("review", "show", only(pair.items("repeated"))["item"]).out
    pair.decide("accept", "repeated")
    assert pick(only(pair.sync().native), "summary", "body") == ("three", "six")


def test_rejected_rows_of_both_sides_are_told_until_each_is_mended(make):
    p = make(schema=NUMBER).agree(row("E1", "N1", amount="1"))
    p.trip(ext=[row("E1", "N1", amount="many")])
    p.trip(nat=[row("E1", "N1", amount="much")])
    item, shown = only(of_kind(p, "rejected")), p.run("review", "show", "1").out
    assert (item["side"], item["file"]) == ("external", p.listing("archive/in/external")[-1].split("-", 1)[1])
    assert "much" in item["what"] and "many" in item["what"] and "rejects/external" in shown and "rejects/native" in shown
    p.trip(ext=[row("E1", "N1", amount="2")])
    left = only(of_kind(p, "rejected"))
    assert left["side"] == "native" and "much" in left["what"] and "many" not in left["what"]
    assert "rejects/native" in (shown := p.run("review", "show", "1").out) and "rejects/external" not in shown
    p.trip(nat=[row("E1", "N1", amount="1")])
    assert not p.items()


@pytest.mark.parametrize("first", ["ext", "nat"])
def test_a_rejected_row_asks_though_the_other_side_s_was_dismissed_with_the_same_cells(make, first):
    p = make(schema=NUMBER).agree(row("E1", "N1", amount="1"))
    p.trip(**{first: [row("E1", "N1", amount="many")]})
    p.decide("dismiss", "rejected")
    p.trip(**{"nat" if first == "ext" else "ext": [row("E1", "N1", amount="many")]})
    assert of_kind(p, "rejected")


@pytest.mark.parametrize("first", ["ext", "nat"])
def test_rejected_rows_of_a_state_from_before_they_were_a_list_are_told_and_stay_dismissed(make, first):
    p = make(schema=NUMBER).agree(row("E1", "N1", amount="1"))
    same = {first: [row("E1", "N1", amount="many")]}
    p.trip(**same)
    state_file.change(p.path / "state.db", "UPDATE item SET detail = json_set(detail, '$.rows',"
                      " json_remove(json_extract(detail, '$.rows[0]'), '$.side'))")
    assert '"many" is not a number' in p.run("review", "show", "1").out
    p.decide("dismiss", "rejected")
    p.trip(**same)
    asked = p.items()
    p.trip(**{"nat" if first == "ext" else "ext": same[first]})
    assert not asked and of_kind(p, "rejected")
    (p.path / "state.db").unlink()
    p.run("rebuild")                                        # this one has a list


def test_rows_that_went_back_on_both_sides_are_decided_together(make):
    new, old = "2026-11-01T10:00:00Z", "2026-10-01T10:00:00Z"
    p = make(schema=SCHEMA + [MODIFIED]).agree({**PLAIN, "modified": new})
    p.trip(ext=[row("E1", "N1", summary="old", modified=old)], nat=[row("E1", "N1", body="older", modified=old)])
    p.decide("accept", "went-back")
    deltas = p.sync()
    for side in ("external", "native"):
        assert pick(only(deltas.side(side)), "summary", "body") == ("old", "older")


def test_a_conflict_is_not_about_the_row_that_clashes(pair):
    pair.trip(ext=[row("E1", "N1", summary="left")], nat=[row("E1", "N1", summary="right")])
    before = only(of_kind(pair, "conflict"))
    pair.trip(ext=[row("E1", "N9")])
    assert of_kind(pair, "clash")
    number = before["item"]
    assert "N9" not in pair.run("review", "show", number).out


# -- IDs that a record had before ------------------------------------------------------------------------------------------
def test_other_side_may_show_the_old_id_after_an_edit_won_over_a_delete(make):
    p = make(native={"content": "snapshot", "deletes": "review"}).agree(PLAIN, row("E2", "N2"))
    p.trip(ext=[row("E2", "N2", summary="edited")], nat=[PLAIN])
    p.decide("accept", "edit-vs-delete")
    assert pick(only(p.sync().native), "x", "n") == ("E2", "")
    assert p.trip(ext=[row("E2", "N2", summary="edited")], nat=[PLAIN, row("E2", "N7", summary="edited")]).nothing
    assert not p.items() and "N7" in p.run("show", "E2").out
    assert only(p.trip(ext=[row("E2", "N2", summary="on")]).native)["n"] == "N7"
    assert not p.items()


def test_old_id_is_due_where_ids_are_stored(make):
    p = make(external={"store_ids": "yes"})
    p.trip(ext=[row("E1")])
    assert only(p.trip(nat=[PLAIN]).external)["n"] == "N1"
    assert p.trip(ext=[PLAIN]).nothing
    p.run("bind", "--rekey", "native", "N1", "N100")
    assert pick(only(p.trip(ext=[PLAIN]).external), "x", "n") == ("E1", "N100")
    assert not p.items() and p.trip(ext=[row("E1", "N100")]).nothing


def test_own_id_that_comes_back_is_a_question(make):
    p = make(native={"content": "snapshot", "deletes": "review"}).agree(PLAIN, row("E2", "N2"))
    p.trip(ext=[row("E2", "N2", summary="edited")], nat=[PLAIN])
    p.decide("accept", "edit-vs-delete")
    p.sync()
    p.trip(nat=[PLAIN, row("E2", "N7", summary="edited")])
    p.trip(nat=[PLAIN, row("E2", "N7", summary="edited"), row("E2", "N2", summary="undeleted")])
    assert {i["kind"] for i in p.items()} & {"clash", "repeated"}


def accepted_cut(p):
    """The database holds ten letters of the body, and that was accepted."""
    p.agree(row("E1", "N1", body="x"))
    p.trip(ext=[row("E1", "N1", body="a long text of notes")])
    p.trip(nat=[row("E1", "N1", body="a long tex")])
    p.decide("accept", "altered")
    return p


def test_accepted_cut_does_not_hide_a_shorter_beginning(p):
    accepted_cut(p)
    assert only(p.trip(nat=[row("E1", "N1", body="a long")]).external)["body"] == "a long"
    assert only(p.trip(ext=[row("E1", "N1", body="a long te")]).native)["body"] == "a long te"


def test_accepted_cut_does_not_hide_an_edit_of_another_text(p):
    accepted_cut(p)
    assert only(p.trip(ext=[row("E1", "N1", summary="one more", body="a long text of notes")]).native)["summary"] == "one more"
    p.trip(nat=[row("E1", "N1", body="a long tex")])
    assert [i["kind"] for i in p.items()] == ["not-taken"]


def test_dismissed_not_taken_leaves_the_text_of_an_accepted_cut_alone(make):
    p = accepted_cut(make())
    p.trip(ext=[row("E1", "N1", summary="one more", body="a long text of notes")])
    p.trip(nat=[row("E1", "N1", body="a long tex")])
    p.decide("dismiss", "not-taken")
    assert pick(only(p.sync().external), "summary", "body") == ("one", "a long text of notes")


def test_accepted_cut_of_a_state_that_does_not_say_which(make):
    """As states of earlier versions; what was accepted is not sent again."""
    p = accepted_cut(make())
    state_file.change(p.path / "state.db", *(f"UPDATE {table} SET open = NULL, native_flags = native_flags | 8"
                                             for table in ("record_base", "record_recent")))
    assert p.trip(nat=[row("E1", "N1", body="a long tex")]).nothing and not p.items()
    assert only(p.trip(nat=[row("E1", "N1", body="a long")]).external)["body"] == "a long"


# -- an answer holds while the rows stay the same ------------------------------------------------------------------------
# kind: what the database shows each day, and what it shows when that has changed
SAME_AGAIN = {
    "repeated": ([row("E1", "N1", summary="two"), row("E1", "N1", summary="three")],
                 [row("E1", "N1", summary="two"), row("E1", "N1", summary="four")]),
    "clash": ([row("E7", "N1", summary="crossed")], [row("E7", "N1", summary="again")]),
    "rejected": ([row("E1", "N1", amount="many")], [row("E1", "N1", amount="more")]),
    "went-back": ([row("E1", "N1", summary="older", modified=OLD)], [row("E1", "N1", summary="old", modified=OLD)]),
}


@pytest.mark.parametrize("kind", SAME_AGAIN)
def test_what_was_dismissed_is_asked_again_when_it_has_changed(make, kind):
    p = make(schema=NUMBER + [MODIFIED]).agree(row("E1", "N1", modified=NEW))
    same, changed = SAME_AGAIN[kind]
    assert p.trip(nat=same).nothing and p.items(kind)
    p.decide("dismiss", kind)
    later = p.trip(nat=same, ext=[row("E1", "N1", body="typed", modified=NEW)])
    assert only(later.native)["body"] == "typed" and not p.items() and "see roundtrip review" not in later.result.err
    assert p.trip(nat=same).nothing and not p.items()
    assert p.trip(nat=changed).nothing and p.items(kind)


@pytest.mark.parametrize("kind", ["repeated", "went-back"])
def test_what_was_dismissed_and_comes_back_behind_another_row_is_an_edit(make, kind):
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified=NEW))
    same, _ = SAME_AGAIN[kind]
    p.trip(nat=same)
    p.decide("dismiss", kind)
    assert only(p.trip(nat=[row("E1", "N1", summary="mended", modified=NEW)]).external)["summary"] == "mended"
    assert p.trip(nat=same).nothing and p.items(kind)


@pytest.mark.parametrize("kind", ["rejected", "repeated", "went-back"])
def test_what_was_dismissed_of_both_sides_at_once_asks_nothing_again(make, kind):
    p = make(schema=NUMBER + [MODIFIED]).agree(row("E1", "N1", modified=NEW))
    same, changed = SAME_AGAIN[kind]
    p.trip(ext=changed, nat=same)
    only(p.items())
    p.decide("dismiss", kind)
    assert p.trip(ext=changed, nat=same).nothing and not p.items()
    assert p.trip(ext=same, nat=same).nothing and only(p.items())["side"] == "external"


def test_what_was_accepted_is_asked_again(make):
    p = make().agree(PLAIN)
    same, _ = SAME_AGAIN["repeated"]
    p.trip(nat=same)
    p.decide("accept", "repeated")
    assert only(p.sync().external)["summary"] == "three"
    p.trip(nat=same)
    assert p.items("repeated")


def test_dismissed_row_without_an_id_asks_nothing_while_it_stays_the_same(make):
    p = make().agree(PLAIN)
    p.trip(nat=[row("", "", summary="lost"), PLAIN])
    p.decide("dismiss", "rejected")
    assert p.trip(nat=[PLAIN, row("", "", summary="lost")]).nothing and not p.items()
    p.trip(nat=[PLAIN, row("", "", summary="found")])
    assert only(p.items())["kind"] == "rejected"


def test_dismissed_rows_settle_what_was_asked_in_between(make):
    p = make().agree(PLAIN)
    same, changed = SAME_AGAIN["repeated"]
    p.trip(nat=same)
    p.decide("dismiss", "repeated")
    p.trip(nat=changed)
    assert p.items("repeated")
    assert p.trip(nat=same).nothing and not p.items()


def crossed(p):
    """Each of two records is named by two rows of a file; E1 was edited in one of them."""
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(ext=[row("E2", "N1"), row("E1", "N2", summary="typed")])
    return p


def test_an_answer_about_one_of_two_crossed_rows_leaves_the_other_in_question(p):
    crossed(p)
    p.run("review", "dismiss", next(i["item"] for i in p.items("clash") if i["line"] == "2"))
    assert "typed" in "".join(p.run("review", "show", i["item"]).out for i in p.items("clash"))
    assert p.sync().nothing
    assert p.trip(nat=[row(n="N1", summary="elsewhere")]).nothing
    p.decide("dismiss", "clash")
    assert not p.items() and only(p.sync().external)["summary"] == "elsewhere"


@pytest.mark.parametrize("verb, pairs", [("accept", {("E1", "N2"), ("E2", "N1")}), ("dismiss", {("E1", "N1"), ("E2", "N2")})])
def test_crossed_rows_are_decided_with_one_command(p, verb, pairs):
    crossed(p)
    p.decide(verb, "clash")
    assert not p.items("clash")
    p.trip(ext=[row(x, n, body="new") for x, n in pairs])
    assert not p.items("clash")
    assert {pick(r, "x", "n") for r in p.trip(ext=[row(x, n, body="newer") for x, n in pairs]).native} == pairs


def test_a_clash_is_not_settled_by_a_good_row_of_its_own_file(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(ext=[row("E1", "N1"), row("E2", "N1"), row("E1", "N2", summary="typed")])
    count = len(p.items("clash"))
    p.trip(nat=[row(n="N9")])
    assert len(p.items("clash")) == count
    p.trip(ext=[row("E1", "N1", body="newer"), row("E2", "N2", body="newer")])
    assert not p.items("clash")


@pytest.mark.parametrize("first", ["clash", "repeated"])
def test_a_record_with_two_questions_waits_for_both(make, first):
    p = make().agree(row("E1", "N1"))
    p.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    p.trip(ext=[row("E9", "N1", summary="crossed")])
    p.decide("dismiss", first)
    p.drop("native", [row(n="N1", body="typed")])
    p.tick(1)
    assert p.sync().nothing and len(p.items()) == 1
    p.decide("dismiss", {"clash": "repeated", "repeated": "clash"}[first])
    assert only(p.sync().external)["body"] == "typed"


@pytest.mark.parametrize("first", ["clash", "repeated"])
def test_the_next_question_holds_a_record_back_at_once(make, first):
    """Without a file in between: what is due already may not go out between two answers."""
    p = make().agree(row("E1", "N1"))
    p.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    p.trip(ext=[row("E9", "N1", summary="crossed")])
    assert p.trip(nat=[row(n="N1", body="typed")]).nothing
    p.decide("dismiss", first)
    assert p.sync().nothing and p.items()
    p.decide("dismiss", {"clash": "repeated", "repeated": "clash"}[first])
    assert only(p.sync().external)["body"] == "typed"


def test_diff_shows_what_a_person_must_decide_though_nothing_is_due(make):
    """Each was `none`, without a reason, as if nothing came of it."""
    def told(p):
        lines = [line for line in p.diff() if line["external_id"] == "E1"]
        return [tuple(line[c] for c in ("change", "external_action", "native_action", "reason")) for line in lines]

    p = make(external={"content": "snapshot", "deletes": "review"}).agree(PLAIN, E9)
    p.drop("external", [E9])
    assert told(p) == [("missing", "none", "review", "missing")]
    p = make(schema=SCHEMA + [MODIFIED]).agree({**PLAIN, "modified": NEW}, {**E9, "modified": NEW})
    p.drop("external", [row("E1", "N1", summary="old", modified=OLD)])
    assert told(p)[0][2:] == ("review", "went-back")
    p = make(profile={"mode": "single-trip"}).agree(PLAIN, E9)
    p.drop("native", [row("E1", "N1", summary="theirs")])
    assert told(p) == [("local", "none", "review", "read-only")]
