"""Hints at what was meant, for the first of many mistakes only."""

from flowlock.spec.rules.hints import MOST, Hints

REGISTRATION = "somewhere defines it: register it"


def test_a_function_that_is_not_registered_is_what_was_meant() -> None:
    hints = Hints()
    assert hints.of_task("load", ["loads"], lambda _name: REGISTRATION) == REGISTRATION
    assert hints.of_task("load", ["loads"], lambda _name: None) == "did you mean `loads`?"
    assert hints.of_task("load", ["unlike"], lambda _name: None) == "`flowlock tasks` lists all tasks"


def test_a_thousand_mistakes_do_not_look_into_all_modules_a_thousand_times() -> None:
    hints, asked = Hints(), list[str]()

    def registration(name: str) -> None:
        asked.append(name)

    for number in range(1000):
        hints.of_task(f"task{number}", ["other"], registration)
    assert len(asked) == MOST
    assert hints.near("others", ["other"]) is None
