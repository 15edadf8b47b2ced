"""diff announces exactly what the following emit writes, and leaves the profile byte for byte as it was."""
import os
import tempfile

from hypothesis import HealthCheck, given, settings, strategies as st

from profile import MEMORY, SENDS, SIDES, Profile, row

EXAMPLES = int(os.environ.get("DIFF_EXAMPLES", "400" if os.environ.get("LONG") == "1" else "20"))
texts = st.sampled_from(["one", "two", "three", ""])
rows = st.fixed_dictionaries(dict(i=st.integers(1, 4), both=st.booleans(), summary=texts, body=texts,
                                  email=st.sampled_from(["a@example.org", "b@example.org"])))
unique_rows = st.lists(rows, max_size=4, unique_by=lambda r: r["i"])
days = st.lists(st.fixed_dictionaries(dict(
    external=st.none() | unique_rows, native=st.none() | unique_rows, repeat=st.booleans(), push=st.booleans(),
    hours=st.sampled_from([1, 4, 24, 96]), options=st.sampled_from([(), (), (), ("--to", "native"), ("--limit", "1")]),
)), min_size=1, max_size=6)


def as_row(side, r):
    own, other = ("x", "n") if side == "external" else ("n", "x")
    return row(**{own: own.replace("x", "E").replace("n", "N") + str(r["i"]),
                  other: (other.replace("x", "E").replace("n", "N") + str(r["i"])) if r["both"] else ""},
               summary=r["summary"], body=r["body"], email=r["email"])


def same_record(a, b):
    """IDs that a file of the same run taught may be missing on one of two lines about a record."""
    shared = [(u, v) for u, v in zip(a, b) if u and v]
    return bool(shared) and all(u == v for u, v in shared)


def compare(lines, deltas):
    for side in SIDES:
        announced = {(x["external_id"], x["native_id"], x[f"{side}_action"]) for x in lines
                     if x[f"{side}_action"] in SENDS}
        written = {(r["x"], r["n"], r["Action"]) for r in deltas.side(side)}
        assert len(written) == len(deltas.side(side)), f"a record twice in a delta: {deltas.side(side)}"
        for some, others, what in ((announced, written, "announced, not written"),
                                   (written, announced, "written, not announced")):
            for x, n, action in some:
                assert any(action == b and same_record((x, n), (y, m)) for y, m, b in others), \
                    f"{what} for {side}: {x or '-'} {n or '-'} {action}\n{lines}\n{deltas}"


def compare_values(lines, deltas):
    """A field that was announced once, as changed, goes out with the value announced."""
    for line in lines:
        other = "native" if line["side"] == "external" else "external"
        about = [x for x in lines if x["field"] == line["field"] and same_record(
            (x["external_id"], x["native_id"]), (line["external_id"], line["native_id"]))]
        if line["change"] != "changed" or not line["field"] or len(about) != 1:
            continue
        for r in deltas.side(other):
            if same_record((r["x"], r["n"]), (line["external_id"], line["native_id"])) and line["field"] in r:
                assert r[line["field"]] == line["after"], line


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(days=days, conflict=st.sampled_from(["review", "external", "native"]),
       resend=st.booleans(), either=st.booleans())
def test_diff_announces_exactly_what_emit_writes_and_touches_nothing(days, conflict, resend, either):
    with tempfile.TemporaryDirectory(prefix="roundtrip-diff-", dir=MEMORY) as folder:
        p = Profile(folder, external={"action_column": "Action"},
                    native={"action_column": "Action", "matches_by": "either-id" if either else "own-id"},
                    policy={"conflict": conflict, "not_taken": "resend" if resend else "review"})
        for day in days:
            p.tick(day["hours"])
            for side in SIDES:
                if day[side] is not None:
                    incoming = [as_row(side, r) for r in day[side]]
                    p.drop(side, incoming + incoming[:1] * day["repeat"])
            before = p.snapshot()
            lines = p.diff(*day["options"])
            assert p.snapshot() == before, "diff changed the profile"
            deltas = p.emit(*day["options"])
            compare(lines, deltas)
            compare_values(lines, deltas)
            if day["push"]:
                p.push()
