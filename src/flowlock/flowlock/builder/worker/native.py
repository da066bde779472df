"""What native packages are built with: the engine reads it off their recipes, by variant and platform."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flowlock.builder.environments.declared import Needs
from flowlock.builder.plan.targets import Target
from flowlock.builder.worker.engine import DISTRIBUTION, SECTIONS, requirements
from flowlock.builder.worker.sandbox import ENVIRONMENT
from flowlock.edges import memo, process
from flowlock.errors import FlowlockError
from flowlock.names import Platform


def needs(known: Mapping[str, Target], platforms: Iterable[Platform], *, kept: Path) -> Mapping[str, Needs]:
    """Return what each native package asks for, by key; what was found out before is read from `kept`.

    The engine evaluates the recipes in a process without our environment, of which expressions may ask.
    """
    questions = {
        (key, platform): _question(target, platform)
        for key, target in known.items()
        if target.recipe.noarch is None
        for platform in platforms
    }
    if not questions:
        return {}
    digests = {place: _digest(question) for place, question in questions.items()}
    answers = memo.read(kept) or {}
    new = {digest: questions[place] for place, digest in digests.items() if digest not in answers}
    if new:
        answers |= dict(zip(new, _asked(list(new.values())), strict=True))
        memo.write(kept, {digest: answers[digest] for digest in digests.values()})
    found: dict[str, dict[Platform, Mapping[str, tuple[str, ...]]]] = {}
    for (key, platform), digest in digests.items():
        answer = answers[digest]
        if "error" in answer:
            raise FlowlockError(
                f"the recipe of {key} cannot be read for {platform}: {answer['error']}", code="FL530"
            )
        sections = {section: tuple(answer[section]) for section in SECTIONS if answer.get(section)}
        found.setdefault(key, {}).update({platform: sections} if sections else {})
    return found


def main() -> int:
    """Answer the questions that come as JSON on stdin, on stdout."""
    answers: list[Mapping[str, Any]] = []
    for question in json.load(sys.stdin):
        try:
            answers.append(requirements(question["document"], question["variant"], question["platform"]))
        except FlowlockError as error:
            answers.append({"error": error.message})
    json.dump(answers, sys.stdout)
    return 0


def _question(target: Target, platform: Platform) -> dict[str, Any]:
    return {"document": target.recipe.document, "variant": dict(target.variant), "platform": platform}


def _digest(question: Mapping[str, Any]) -> str:
    facts = [version(DISTRIBUTION), question]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _asked(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "flowlock.builder.worker.native"]
    return list(json.loads(process.run(command, env=ENVIRONMENT, stdin=json.dumps(questions)).stdout))


if __name__ == "__main__":
    sys.exit(main())
