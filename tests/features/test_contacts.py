"""RaiseDonors <-> Virtuous contact sync, with the 1,000 contacts of fixtures/contacts."""
import configparser
import csv
import subprocess
import sys

import pytest

from conftest import ROOT
from profile import only, pick

FIXTURE = ROOT / "fixtures/contacts"
E, N = "external", "native"
NAMES = {E: "raisedonors", N: "virtuous"}


class Contacts:
    """The profile of the fixture, and its files of a day as rows that a test may change."""

    def __init__(self, make, folder, **native):
        ini = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
        ini.read(FIXTURE / "roundtrip.ini")
        with open(FIXTURE / "schema.csv", newline="") as file:
            schema = [{**dict.fromkeys(("external_out", "native_out", "external_max", "native_max", "external_format",
                                        "native_format", "values"), ""), **line} for line in csv.DictReader(file)]
        sections = {name: dict(ini[name]) for name in ini.sections()}
        self.p = make(schema=schema, profile=sections["profile"], external={**sections[E], **native.pop(E, {})},
                      native={**sections[N], **native}, policy=sections["policy"])
        self.folder, self.day, self.rows = folder, 0, {}
        self.next_day()
        self.p.run("baseline", "--external", self.file(E), "--native", self.file(N))

    def file(self, side):
        return self.folder / f"{NAMES[side]}-2026-11-{16 + self.day}.csv"

    def next_day(self):
        """The fixture has two days; later ones begin as the last was."""
        self.day += 1
        self.p.now = self.p.now.replace(day=16 + self.day, hour=23)
        if self.day <= 2:
            subprocess.run([sys.executable, FIXTURE / "make.py", self.folder, str(self.day)], check=True)
        for side in (E, N):
            if self.day <= 2:
                with open(self.file(side), newline="") as file:
                    self.rows[side] = list(csv.DictReader(file))

    def edit(self, side, own, **cells):
        key = "DonorId" if side == E else "Contact Id"
        only([r for r in self.rows[side] if r[key] == own]).update({k.replace("_", " "): v for k, v in cells.items()})

    def drop(self):
        for side in (E, N):
            path = self.p.path / "inbox" / side / self.file(side).name
            with open(path, "w", newline="") as file:
                writer = csv.DictWriter(file, list(self.rows[side][0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows[side])
            path.chmod(0o600)

    def trip(self, *args):
        self.drop()
        return self.p.sync(*args)

    def quiet(self):
        """A day on which nothing was edited: both show what day 1 did."""
        self.day += 1
        self.p.now = self.p.now.replace(day=16 + self.day)
        return self


@pytest.fixture
def contacts(make, tmp_path):
    return Contacts(make, tmp_path)


@pytest.fixture
def calm(contacts):
    """Day 2 without the day's edits: a test makes its own."""
    return contacts.quiet()


def new_donor(contacts):
    contacts.rows[E].append({**contacts.rows[E][0], "DonorId": "RD90001", "Virtuous Contact Id": "", "FirstName": "Nova",
                             "Email": "nova@example.org"})


def test_V1_reference_source_is_set_on_each_transfer(calm):
    new_donor(calm)
    calm.edit(E, "RD00001", Address="1 New Street")
    sent = calm.trip()
    assert sent[0].header[-1] == "Reference Source"
    assert sorted(r["donor_id"] for r in sent.native) == ["RD00001", "RD90001"]
    assert {r["reference_source"] for r in sent.native if r["donor_id"] == "RD90001"} == {"RaiseDonors"}


def test_V2_only_contacts_with_that_source_sync_back(calm):
    calm.edit(N, "40001", Primary_Address="unseen")              # reference source Event
    calm.edit(N, "40005", Primary_Address="seen")
    assert pick(only(calm.trip().external), "contact_id", "address") == ("40005", "seen")
    calm.p.run("show", "40001", status=64)


def test_V2_the_share_that_is_tracked(calm):
    assert len(calm.rows[N]) == 1000 and len(calm.rows[E]) == 200
    assert "Virtuous: files 1, rows 1000, excluded 800" in calm.p.run("log").out


@pytest.mark.parametrize("ours, theirs, field", [("FirstName", "First_Name", "first_name"), ("LastName", "Last_Name", "last_name"),
                                                 ("Address", "Primary_Address", "address"), ("Phone", "Primary_Phone", "phone")])
def test_V3_name_address_and_phone_go_both_ways(calm, ours, theirs, field):
    calm.edit(E, "RD00001", **{ours: "from the donor"})
    calm.edit(N, "40010", **{theirs: "from the office"})
    sent = calm.trip()
    assert pick(only(sent.native), "contact_id", field) == ("40005", "from the donor")
    assert pick(only(sent.external), "donor_id", field) == ("RD00002", "from the office")


def test_V4_email_goes_one_way_only(calm):
    calm.edit(E, "RD00001", Email="new@example.org")
    calm.edit(N, "40010", Primary_Email="crm@example.org")
    sent = calm.trip()
    assert pick(only(sent.native), "contact_id", "email") == ("40005", "new@example.org") and not sent.external


def test_V4_email_column_is_not_in_the_other_delta(calm):
    calm.edit(N, "40010", Primary_Email="crm@example.org", Primary_Address="1 New Street")
    sent = calm.trip()
    assert "Email" not in sent[0].header and "crm@example.org" not in sent[0].data.decode()
    assert only(sent.external)["address"] == "1 New Street"


def test_V5_missing_contact_is_created_with_source_and_donor_id(calm):
    new_donor(calm)
    sent = only(calm.trip().native)
    assert pick(sent, "donor_id", "contact_id", "reference_source", "first_name") == ("RD90001", "", "RaiseDonors", "Nova")


def test_V6_unique_ids_sync_back(make, tmp_path):
    contacts = Contacts(make, tmp_path, external={"store_ids": "yes"}).quiet()
    new_donor(contacts)
    assert contacts.trip().native
    contacts.quiet()
    contacts.rows[N].append({**contacts.rows[N][4], "Contact Id": "41001", "RaiseDonors Donor Id": "RD90001",
                             "First Name": "Nova", "Primary Email": "nova@example.org"})
    sent = contacts.trip()
    assert pick(only(sent.external), "donor_id", "contact_id") == ("RD90001", "41001") and not sent.native
    assert "41001" in contacts.p.run("show", "RD90001").out


def test_V7_mass_address_update_waits_for_approval_and_then_flows(contacts):
    contacts.next_day()
    contacts.drop()
    stopped = contacts.p.emit(status=2).result.err
    assert "guard" in stopped and "max_changes = 100" in stopped
    plan = stopped.split("--approve")[1].split()[0]
    sent = contacts.p.sync("--approve", plan)
    addresses = [r for r in sent.external if r["address"].splitlines()[0].endswith("St")]
    assert len(addresses) == len(sent.external) > 100
    assert len(sent.native) == 11                                # ten e-mail addresses, one new donor
    contacts.quiet()
    for r in sent.external:                                      # both load what they got
        contacts.edit(E, r["donor_id"], Address=r["address"])
    for r in sent.native:
        if r["contact_id"]:
            contacts.edit(N, r["contact_id"], Primary_Email=r["email"])
    assert contacts.trip().nothing


def test_V8_edits_by_any_channel_are_noticed(calm):
    """No time of change, no log: the content alone tells."""
    assert not any("modified" in h.lower() for side in (E, N) for h in calm.rows[side][0])
    calm.edit(N, "40015", Primary_Phone="by API")
    calm.edit(N, "40020", City="by a script")
    assert sorted(pick(r, "contact_id", "phone", "city") for r in calm.trip().external)[0][:2] == ("40015", "by API")


def test_V8_run_full_compares_everything(make):
    everything = "cat everything.csv"
    p = make(native={"transport": "command", "extract": "head -n 1 everything.csv", "extract_full": everything, "imports": None,
                     "load": "true", "stamp": None})
    rows = [dict(x=f"E{i}", n=f"N{i}", summary=f"s{i}", body="b", email="") for i in range(5)]
    p.put("everything.csv", p.text(N, []))
    p.drop(E, [{**r, "n": ""} for r in rows])
    p.run("run")
    p.tick()
    p.put("everything.csv", p.text(N, rows))
    p.run("run", "--full")
    p.tick()
    p.put("everything.csv", p.text(N, rows[:4] + [{**rows[4], "summary": "by API"}]))
    p.run("run")
    assert not p.listing("imports/external")
    p.run("run", "--full")
    assert "by API" in (p.path / "imports/external" / only(p.listing("imports/external"))).read_text()
