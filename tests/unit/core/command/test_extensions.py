"""Subcommands that other distributions add."""

import json
from pathlib import Path

import pytest

from flowlock_core.cli import main

MODULE = """
HELP = "say 100 % of what it gets"


def add_options(parser, bundle):
    from flowlock_core.cli import CommandOutcome

    parser.add_argument("--words", default="nothing")

    def say(bundle, arguments):
        text = f"{bundle.package}: {arguments.words}\\n"
        return CommandOutcome(document={"said": arguments.words}, text=text)

    parser.set_defaults(action=say)
""".replace("100 %", "100 %%")


def register(folder: Path, distribution: str, text: str) -> None:
    """Write the entry points of a distribution."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(text.encode("utf-8", "surrogateescape"))


class Installed:
    """A folder on the path in which distributions with subcommands are installed."""

    def __init__(self, folder: Path, package: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.package = package
        self._capsys = capsys

    def add(self, distribution: str, *, name: str = "echo", source: str = MODULE) -> None:
        """Install a distribution with a module of its name, which it registers for a subcommand."""
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(source)
        register(self.folder, distribution, f"[flowlock.commands]\n{name} = {module}\n")

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Call the workflow's command; return the exit code, stdout and stderr."""
        try:
            code = main(f"{self.package}.workflow:sample", list(arguments))
        except SystemExit as exit_of_help:
            code = int(exit_of_help.code or 0)
        return code, *self._capsys.readouterr()


@pytest.fixture
def installed(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Installed:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Installed(folder, package, capsys)


def test_a_subcommand_of_another_distribution_is_listed_completed_and_called(installed: Installed) -> None:
    installed.add("says-all")
    assert installed.call("echo", "--words", "a b") == (0, f"{installed.package}: a b\n", "")
    code, out, _ = installed.call("--json", "echo")
    assert (code, json.loads(out)) == (0, {"said": "nothing"})
    assert "say 100 % of what it gets" in installed.call("--help")[1]
    assert "--words" in installed.call("completion", "bash")[1]


def test_a_broken_subcommand_is_listed_with_the_reason_and_only_its_call_fails(installed: Installed) -> None:
    installed.add("says-nothing", name="nothing", source="import no_such_module_at_all")
    installed.add("exits-at-once", name="leave", source="raise SystemExit(5)")
    installed.add("has-no-help", name="mute", source="")
    installed.add(
        "options-fail", name="late", source="HELP = 'late'\ndef add_options(*_): raise ValueError('100%')"
    )
    installed.add("says-all")
    code, out, err = installed.call("--help")
    words = " ".join(out.split())
    assert (code, err) == (0, "")
    assert (
        "not available: the subcommand `nothing` of says-nothing cannot be loaded: ModuleNotFoundError: "
        "No module named 'no_such_module_at_all'"
    ) in words
    assert "ValueError: 100%" in words
    assert installed.call("echo")[0] == 0
    for name in ("nothing", "leave", "mute", "late"):
        code, out, err = installed.call(name, "--port", "1", "more")
        assert (code, out) == (1, "")
        assert err.startswith(f"error: FL770 the subcommand `{name}` of ")
        assert "Traceback" not in err
    assert "hint: install has-no-help again, or uninstall it" in installed.call("mute")[2]
    assert json.loads(installed.call("--json", "mute", "--help")[1])["problems"][0]["code"] == "FL770"


def test_a_name_that_two_distributions_register_is_an_error_that_names_both(installed: Installed) -> None:
    installed.add("second-one")
    installed.add("first-one")
    expected = "the subcommand `echo` is registered by both first-one (first_one) and second-one (second_one)"
    assert expected in " ".join(installed.call("--help")[1].split())
    assert installed.call("echo") == (1, "", f"error: FL770 {expected}\n  hint: uninstall one of them\n")


def test_a_distribution_that_is_installed_twice_counts_once(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.add("says-all")
    second = tmp_path / "second"
    second.mkdir()
    monkeypatch.syspath_prepend(str(second))
    register(second, "says-all", "[flowlock.commands]\necho = says_all\n")
    assert installed.call("echo")[0] == 0


def test_the_commands_own_subcommands_cannot_be_replaced(installed: Installed) -> None:
    installed.add("takes-over", name="schema", source="raise AssertionError('imported')")
    assert installed.call("schema")[1] == '{"type": "object"}\n'
    words = " ".join(installed.call("--help")[1].split())
    assert "The subcommand `schema` of takes-over is ignored: this command has its own `schema`." in words


@pytest.mark.parametrize(
    "text",
    [
        "[flowlock.commands\necho = says",
        "echo = says\n[flowlock.commands]\n",
        "# [flowlock.commands]\n",
        "[flowlock.commands]\necho = a\necho = b\n",
        "[flowlock.commands]\n[flowlock.commands]\n",
        "[flowlock.commands]\necho\n",
        "[flowlock.commands]\necho = \udcff\n",
    ],
)
def test_damaged_metadata_is_ignored(installed: Installed, text: str) -> None:
    register(installed.folder, "damaged", text)
    installed.add("says-all", name="other")
    assert installed.call("other")[0] == 0
    assert installed.call("echo")[0] == 2


def test_what_is_not_a_readable_folder_on_the_path_is_left_out(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.add("says-all")
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    info = tmp_path / "unreadable-1.0.dist-info"
    (info / "entry_points.txt").mkdir(parents=True)
    # Python itself imports nothing more with the last entry on the path.
    assert installed.call("echo")[0] == 0
    for entry in ("missing", "file", "loop", ".", "nul\0"):
        monkeypatch.syspath_prepend(str(tmp_path / entry))
    assert installed.call("echo")[0] == 0
