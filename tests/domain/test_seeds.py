from datetime import date

from my_dagster_project.domain.seeds import training_seed

WINDOW = date(2012, 12, 3)


def test_a_seed_is_drawn_from_salt_team_symbol_and_window_and_from_nothing_else():
    known = ("2026", "red", "AAPL", WINDOW)
    others = [("2027", *known[1:]), ("2026", "blue", "AAPL", WINDOW), ("2026", "red", "IBM", WINDOW)]
    others += [("2026", "red", "AAPL", date(2013, 1, 2))]
    drawn = [training_seed(*one) for one in (known, *others)]
    assert len(set(drawn)) == len(drawn)
    assert drawn[0] == training_seed(*known) == 1515718612
    assert all(0 <= seed < 2**32 for seed in drawn)
