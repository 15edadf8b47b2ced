import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import scenarios  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "review: of the random days")


@pytest.fixture
def folder():
    with scenarios.Folder() as path:
        yield path


@pytest.fixture
def points(request):
    """Counts the points tried, to be told at the end."""
    def add(kind, n=1):
        request.node.user_properties.append(("points", (kind, n)))
    return add


@pytest.fixture
def figure(request):
    """A line that is told at the end."""
    def add(text):
        request.node.user_properties.append(("figure", text))
    return add


def pytest_terminal_summary(terminalreporter):
    totals = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == "figure" and getattr(report, "when", "") == "call":
                    terminalreporter.write_line(value)
                if key == "points" and getattr(report, "when", "") == "call":
                    totals[value[0]] = totals.get(value[0], 0) + value[1]
    for kind, n in sorted(totals.items()):
        terminalreporter.write_line(f"{n:6} points tried: {kind}")
    if totals:
        terminalreporter.write_line(f"{sum(totals.values()):6} points tried")
