"""What the engine reads off recipes: what native packages are built with, and what it refuses."""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from flowlock.builder.environments.declared import Needs
from flowlock.builder.plan.targets import BuildTarget
from flowlock.builder.worker.engine import DISTRIBUTION, SECTIONS, requirements
from flowlock.builder.worker.sandbox import ENVIRONMENT
from flowlock.edges import memo, process
from flowlock.edges.memo import digest_of
from flowlock.errors import FlowlockError
from flowlock.names import Platform
from flowlock.recipe.document import Recipe

_Key = TypeVar("_Key")


def needs(
    targets: Mapping[str, BuildTarget], platforms: Iterable[Platform], *, kept: Path
) -> Mapping[str, Needs]:
    """Return what each native package asks for, by key; earlier answers are read from `kept`.

    The engine evaluates the recipes in a process without our environment, of which expressions may ask.
    """
    questions = {
        (key, platform): {
            "document": target.recipe.document,
            "variant": dict(target.variant),
            "platform": platform,
        }
        for key, target in targets.items()
        if target.recipe.noarch is None
        for platform in platforms
    }
    if not questions:
        return {}
    answers = _answers(questions, kept)
    specs: dict[str, dict[Platform, Mapping[str, tuple[str, ...]]]] = {}
    for (key, platform), answer in answers.items():
        if "error" in answer:
            raise FlowlockError(
                f"the recipe of {key} cannot be read for {platform}: {answer['error']}", code="FL530"
            )
        by_platform = specs.setdefault(key, {})
        sections = {section: tuple(answer[section]) for section in SECTIONS if answer.get(section)}
        if sections:
            by_platform[platform] = sections
    return specs


def refusals(recipes: Mapping[str, Recipe], platform: Platform, *, kept: Path) -> dict[str, str]:
    """Return why the engine refuses recipes, by key, as far as that shows before a build."""
    questions = {
        key: {"document": recipe.document, "variant": {}, "platform": platform}
        for key, recipe in recipes.items()
    }
    answers = _answers(questions, kept)
    return {key: str(answer["error"]) for key, answer in answers.items() if "error" in answer}


def _answers(
    questions: Mapping[_Key, Mapping[str, Any]], answers_file: Path
) -> dict[_Key, Mapping[str, Any]]:
    """Return the engine's answers; it is asked only what `answers_file` does not answer."""
    engine = version(DISTRIBUTION)
    digests = {key: digest_of([engine, question]) for key, question in questions.items()}
    earlier_answers = memo.read(answers_file, dict[str, dict[str, str | list[str]]]) or {}
    answers = {digest: answer for digest, answer in earlier_answers.items() if _is_answer(answer)}
    new = {digest: questions[key] for key, digest in digests.items() if digest not in answers}
    if new:
        command = [sys.executable, "-m", "flowlock.builder.worker.native", tempfile.gettempdir()]
        completed = process.run(command, env=ENVIRONMENT, stdin=json.dumps(list(new.values())))
        answers |= dict(zip(new, json.loads(completed.stdout), strict=True))
        memo.write(answers_file, {digest: answers[digest] for digest in digests.values()})
    return {key: answers[digest] for key, digest in digests.items()}


def _is_answer(document: Mapping[str, Any]) -> bool:
    """Return whether a document is an error, or requirements by section."""
    if "error" in document:
        return isinstance(document["error"], str)
    return all(isinstance(value, list) for value in document.values())


def main() -> int:
    """Answer the questions that come as JSON on stdin, on stdout.

    Temporary files are made below the folder that is the one argument.
    """
    # The engine writes each recipe into a folder that it never removes.
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        tempfile.tempdir = folder
        json.dump([_answer(question) for question in json.load(sys.stdin)], sys.stdout)
    return 0


def _answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return requirements(question["document"], question["variant"], question["platform"])
    except FlowlockError as error:
        return {"error": error.message}


if __name__ == "__main__":
    sys.exit(main())
