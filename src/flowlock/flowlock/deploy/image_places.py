"""Where a YAML text names the tag of an image: Helm values, kustomizations, Kubernetes manifests. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flowlock.deploy.yaml_nodes import TextNode, documents
from flowlock.errors import FlowlockError, Location, nearest, shortened

SHOWN = 6
# A scalar may have an anchor and a tag of YAML before its text.
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+|\Z))*")
# The tags of YAML behind which everything is read as a text.
_TEXT_TAGS = ("!", "!!str")
_REFERENCE = re.compile(r"(?P<repository>[^\s@]+?)(?::(?P<tag>\w[\w.-]*))?(?P<digest>@\S+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePlace:
    """A scalar that holds the tag of an image, alone or behind the repository (`prefix`).

    `start` and `end` are the range of its text with quotes, without anchor and YAML tag. `repository` is
    empty for a scalar that does not say which image it is about. `fault` says why it cannot be edited;
    `shared` are the lines of the aliases that change with it.
    """

    key: str
    repository: str
    tag: str
    at: Location
    start: int
    end: int
    prefix: str = ""
    fault: str = ""
    shared: tuple[int, ...] = ()


@dataclass(kw_only=True, slots=True)
class ManifestPlaces:
    """The scalars of a text by what they are, the keys of aliases, and repositories without a tag."""

    file: str
    images: list[ImagePlace] = field(default_factory=list)
    others: list[ImagePlace] = field(default_factory=list)
    aliases: dict[str, Location] = field(default_factory=dict)
    untagged: dict[str, Location] = field(default_factory=dict)


def read_manifest(text: str, file: str) -> ManifestPlaces:
    """Return the places of a YAML text of one or more documents."""
    manifest = ManifestPlaces(file=file)
    for root in documents(text, file):
        walk = _PlaceWalk(text=text, manifest=manifest, alias_lines=_alias_lines(root))
        walk.go(root)
    return manifest


def select(manifest: ManifestPlaces, *, image: str, key: str) -> ImagePlace:
    """Return the one place of a key, or else of an image's repository; a FlowlockError has the ways out."""
    what = f"the key `{key}`" if key else f"the image {image}"
    places = _of_key(manifest, key) if key else _of_image(manifest, image)
    if not places:
        raise _aliased(manifest, key) or _untagged(manifest, image, key) or _missing(manifest, image, key)
    if len(places) > 1:
        listed = [f"{place.key} in line {place.at.line}" for place in places]
        names_one = "give each of them a different key, or remove the others"
        raise FlowlockError(
            f"{what} has {len(places)} places: {shortened(listed, SHOWN)}",
            code="FL942",
            location=places[1].at,
            hint=names_one if key else "name one with --key, or with `key` in flowlock.toml",
        )
    (place,) = places
    if place.fault:
        raise FlowlockError(
            f"`{place.key}` cannot be edited: {place.fault}",
            code="FL943",
            location=place.at,
            hint="write the tag as a text on one line",
        )
    return place


def _of_image(manifest: ManifestPlaces, image: str) -> list[ImagePlace]:
    return [place for place in manifest.images if place.repository == image]


def _of_key(manifest: ManifestPlaces, key: str) -> list[ImagePlace]:
    """Return the places of a key, which is that of the tag or of the mapping around it."""
    keys = {key, f"{key}.tag", f"{key}.newTag"}
    images = [place for place in manifest.images if place.key in keys]
    return images or [place for place in manifest.others if place.key == key]


def _aliased(manifest: ManifestPlaces, key: str) -> FlowlockError | None:
    for path, at in manifest.aliases.items():
        if key == path or key.startswith(f"{path}."):
            return FlowlockError(
                f"`{path}` is an alias of another place",
                code="FL943",
                location=at,
                hint="name the key of its anchor with --key: an edit there changes all aliases",
            )
    return None


def _untagged(manifest: ManifestPlaces, image: str, key: str) -> FlowlockError | None:
    if key or image not in manifest.untagged:
        return None
    return FlowlockError(
        f"the image {image} has no tag beside its repository",
        code="FL941",
        location=manifest.untagged[image],
        hint="add a line `tag: ~` there, and flowlock fills it in",
    )


def _missing(manifest: ManifestPlaces, image: str, key: str) -> FlowlockError:
    listed = [f"{place.repository} at {place.key}" for place in manifest.images]
    every = [*manifest.images, *manifest.others]
    similar = nearest(key, [place.key for place in every]) if key else nearest(image, _repositories(manifest))
    what = f"the key `{key}`" if key else f"the image {image}"
    return FlowlockError(
        f"{what} is not in the file",
        code="FL941",
        location=Location(file=manifest.file),
        hint=similar or f"its images: {shortened(listed, SHOWN) or 'none'}; name a key with --key",
    )


def _repositories(manifest: ManifestPlaces) -> list[str]:
    return [place.repository for place in manifest.images]


def _alias_lines(root: TextNode) -> Mapping[str, list[int]]:
    """Return the lines of aliases by the name of their anchor."""
    lines: dict[str, list[int]] = defaultdict(list)
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_alias:
            lines[node.anchor].append(node.line)
        pending += node.children
    return lines


@dataclass(frozen=True, kw_only=True, slots=True)
class _Visit:
    """A value on the way: its key, the keys around it with their texts, and the anchors that it is below."""

    node: TextNode
    path: str = ""
    name: str = ""
    around: Mapping[str, str] = field(default_factory=dict)
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _PlaceWalk:
    text: str
    manifest: ManifestPlaces
    alias_lines: Mapping[str, list[int]]

    def go(self, root: TextNode) -> None:
        """Visit every node, without following aliases, in the order of the text."""
        pending = [_Visit(node=root)]
        while pending:
            visit = pending.pop()
            if visit.node.is_alias:
                self.manifest.aliases[visit.path] = self._at(visit.node)
            elif visit.node.text is not None:
                self._note(visit)
            else:
                self._note_untagged(visit.node)
                pending += reversed(list(self._below(visit)))

    def _below(self, visit: _Visit) -> Iterator[_Visit]:
        node = visit.node
        anchors = (*visit.anchors, node.anchor) if node.anchor else visit.anchors
        around = node.texts()
        for name, value in node.entries():
            path = _joined(visit.path, name)
            yield _Visit(node=value, path=path, name=name, around=around, anchors=anchors)
        for number, item in enumerate(node.children if node.is_list else []):
            path = _joined(visit.path, item.texts().get("name") or str(number))
            yield _Visit(node=item, path=path, name=visit.name, anchors=anchors)

    def _note(self, visit: _Visit) -> None:
        """Note a scalar as what it is by its key and the keys beside it."""
        beside = _repository(visit.around) if visit.name == "tag" else ""
        if visit.name == "newTag":
            beside = visit.around.get("newName") or visit.around.get("name", "")
        reference = _REFERENCE.fullmatch(visit.node.text or "") if visit.name == "image" else None
        if beside:
            self.manifest.images.append(self._place(visit, repository=beside))
        elif reference is not None and visit.around:
            self.manifest.images.append(self._reference(visit, reference))
        else:
            self.manifest.others.append(self._place(visit))

    def _note_untagged(self, node: TextNode) -> None:
        keys = {name for name, _ in node.entries()}
        around = node.texts()
        repository = _repository(around)
        if repository and "tag" not in keys:
            self.manifest.untagged[repository] = self._at(node)

    def _reference(self, visit: _Visit, reference: re.Match[str]) -> ImagePlace:
        repository = reference["repository"]
        fault = "it pins a digest, which Kubernetes prefers to the tag" if reference["digest"] else ""
        return self._place(
            visit,
            repository=repository,
            tag=reference["tag"] or "",
            prefix=f"{repository}:",
            fault=fault,
        )

    def _place(
        self,
        visit: _Visit,
        *,
        repository: str = "",
        tag: str | None = None,
        prefix: str = "",
        fault: str = "",
    ) -> ImagePlace:
        node = visit.node
        raw = self.text[node.start : node.end]
        properties = _PROPERTIES.match(raw)
        width = len(properties[0]) if properties else 0
        shared: set[int] = set()
        for anchor in (*visit.anchors, node.anchor):
            shared.update(self.alias_lines.get(anchor, ()))
        return ImagePlace(
            key=visit.path,
            repository=repository,
            tag=node.text or "" if tag is None else tag,
            at=self._at(node),
            start=node.start + width,
            end=node.end,
            prefix=prefix,
            fault=fault or _fault(raw[:width], raw[width:]),
            shared=tuple(sorted(shared)),
        )

    def _at(self, node: TextNode) -> Location:
        return Location(file=self.manifest.file, line=node.line, column=node.column)


def _repository(around: Mapping[str, str]) -> str:
    """Return the repository beside a tag, behind its registry where a chart has both."""
    repository, registry = around.get("repository", ""), around.get("registry", "")
    return f"{registry}/{repository}" if registry and repository else repository


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _fault(properties: str, written: str) -> str:
    """Return why a scalar cannot be replaced within its line."""
    for word in properties.split():
        if word.startswith("!") and word not in _TEXT_TAGS:
            return f"`{word}` makes it another type than a text"
    if written[:1] in {"|", ">"}:
        return "it is a block of lines"
    if "\n" in written or "\r" in written:
        return "it has more than one line"
    return ""
