def pytest_configure(config):
    config.addinivalue_line("markers", "review: needs the review list or hold")
    config.addinivalue_line("markers", "later: deletes, loops, absence, suspected duplicates, hold, guards")
