from flowlock.conda.closure import closure

NEEDS = {"app": ["web", "log"], "web": ["log", "net"], "log": ["net"], "net": ["web"], "other": ["app"]}


def test_what_is_needed_indirectly_is_there_once_and_nearest_first() -> None:
    assert closure(["app"], NEEDS.__getitem__) == ["app", "web", "log", "net"]


def test_of_several_starts_each_is_there_even_where_one_needs_another() -> None:
    assert closure(["net", "log", "net"], NEEDS.__getitem__) == ["net", "log", "web"]


def test_nothing_needs_nothing() -> None:
    assert closure([], NEEDS.__getitem__) == []
