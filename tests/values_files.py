"""Thirty shapes of files that name an image: each with the line that an edit changes, as it is afterwards."""

from dataclasses import dataclass

IMAGE, KEY = "ghcr.io/octo/services", ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A text in which `<…>` stands around the part that an edit replaces, and what is there afterwards.

    `{tag}` is the tag as a text in double quotes, or plain in quotes of the shape.
    """

    name: str
    text: str
    after: str = '"{tag}"'
    key: str = KEY


SHAPES = (
    Shape(name="plain", text="image:\n  repository: ghcr.io/octo/services\n  tag: <abc>\n"),
    Shape(name="no line end", text="image:\n  repository: ghcr.io/octo/services\n  tag: <abc>"),
    Shape(name="tag first", text="image:\n  tag: <abc>\n  repository: ghcr.io/octo/services\n"),
    Shape(
        name="double quotes",
        text='image:\n  repository: "ghcr.io/octo/services"\n  tag: <"abc">\n',
    ),
    Shape(
        name="single quotes",
        text="image:\n  repository: 'ghcr.io/octo/services'\n  tag: <'abc'>\n",
        after="'{tag}'",
    ),
    Shape(name="null", text="image:\n  repository: ghcr.io/octo/services\n  tag: <~>  # the chart's\n"),
    Shape(name="the word null", text="image:\n  repository: ghcr.io/octo/services\n  tag: <null>\n"),
    Shape(name="empty text", text='image:\n  repository: ghcr.io/octo/services\n  tag: <"">\n'),
    Shape(
        name="no value",
        text="image:\n  repository: ghcr.io/octo/services\n  tag:<>\n  pullPolicy: Always\n",
        after=' "{tag}"',
    ),
    Shape(
        name="no value, with a comment",
        text="image:\n  repository: ghcr.io/octo/services\n  tag:<>  # the chart's\n",
        after=' "{tag}"',
    ),
    Shape(
        name="comments everywhere",
        text="# tag: abc\nimage: # tag: abc\n  # tag: abc\n  repository: ghcr.io/octo/services\n"
        "  tag: <abc>   # tag: abc\n# tag: abc\n",
    ),
    Shape(name="a number", text="image:\n  repository: ghcr.io/octo/services\n  tag: <1234567>\n"),
    Shape(name="flow", text="image: {repository: ghcr.io/octo/services, tag: <abc>, pullPolicy: Always}\n"),
    Shape(
        name="flow without a value",
        text="image: {repository: ghcr.io/octo/services, tag:<> }\n",
        after=' "{tag}"',
    ),
    Shape(
        name="JSON",
        text='{"image":{"repository":"ghcr.io/octo/services","tag":<"abc">}}\n',
    ),
    Shape(
        name="a list of deployments",
        text="deployments:\n  - name: other\n    image:\n      repository: ghcr.io/octo/other\n"
        "      tag: abc\n  - name: services\n    image:\n      repository: ghcr.io/octo/services\n"
        "      tag: <abc>\n    port: 3030\n",
    ),
    Shape(
        name="a list that is not indented",
        text="deployments:\n- name: services\n  image:\n    repository: ghcr.io/octo/services\n"
        "    tag: <abc>\n",
    ),
    Shape(
        name="a subchart",
        text="dagster-user-deployments:\n  enabled: true\n  deployments:\n    - name: services\n"
        "      image:\n        repository: ghcr.io/octo/services\n        tag: <abc>\n"
        "dagsterWebserver:\n  image:\n    repository: docker.io/dagster/dagster-celery-k8s\n    tag: ~\n",
    ),
    Shape(
        name="one of two deployments by its key",
        text="deployments:\n  - name: nightly\n    image:\n      repository: ghcr.io/octo/services\n"
        "      tag: abc\n  - name: services\n    image:\n      repository: ghcr.io/octo/services\n"
        "      tag: <abc>\n",
        key="deployments.services.image",
    ),
    Shape(
        name="an item by its number",
        text="images:\n  - image: {repository: ghcr.io/octo/services, tag: abc}\n"
        "  - image: {repository: ghcr.io/octo/services, tag: <abc>}\n",
        key="images.1.image.tag",
    ),
    Shape(name="a key of its own", text="versions:\n  services: <abc>\n", key="versions.services"),
    Shape(
        name="a registry beside it",
        text="image:\n  registry: ghcr.io\n  repository: octo/services\n  tag: <abc>\n",
    ),
    Shape(
        name="an anchor",
        text="image:\n  repository: ghcr.io/octo/services\n  tag: &version <abc>\nenv:\n"
        "  VERSION: *version\n",
    ),
    Shape(
        name="an anchor around it",
        text="image: &image\n  repository: ghcr.io/octo/services\n  tag: <abc>\nother:\n  <<: *image\n",
    ),
    Shape(
        name="a tag of YAML",
        text="image:\n  repository: ghcr.io/octo/services\n  tag: !!str <1234>\n",
    ),
    Shape(
        name="CRLF",
        text="# head\r\nimage:\r\n  repository: ghcr.io/octo/services\r\n  tag: <abc>  # tail\r\nport: 1\r\n",
    ),
    Shape(
        name="a byte order mark",
        text="\ufeffimage:\n  repository: ghcr.io/octo/services\n  tag: <abc>\n",
    ),
    Shape(
        name="several documents",
        text="---\nkind: Service\nmetadata: {name: services}\n---\nkind: Deployment\nspec:\n  template:\n"
        "    spec:\n      containers:\n        - name: services\n"
        "          image: <ghcr.io/octo/services:abc>\n        - name: sidecar\n"
        "          image: ghcr.io/octo/sidecar:abc\n...\n",
        after='"ghcr.io/octo/services:{tag}"',
    ),
    Shape(
        name="a quoted reference",
        text="kind: Pod\nspec:\n  containers:\n    - {name: a, image: <'ghcr.io/octo/services:abc'>}\n",
        after="'ghcr.io/octo/services:{tag}'",
    ),
    Shape(
        name="a reference without a tag",
        text="kind: Pod\nspec:\n  containers:\n    - image: <ghcr.io/octo/services>\n      name: a\n",
        after='"ghcr.io/octo/services:{tag}"',
    ),
    Shape(
        name="a kustomization",
        text="kind: Kustomization\nimages:\n  - name: services\n    newName: ghcr.io/octo/services\n"
        "    newTag: <abc>\n  - name: ghcr.io/octo/other\n    newTag: abc\n",
    ),
    Shape(
        name="a kustomization without a new name",
        text='kind: Kustomization\nimages:\n- name: ghcr.io/octo/services\n  newTag: <"abc">\n',
    ),
    Shape(
        name="letters of other scripts",
        text="# größe: 東京 🚀\nimage:\n  repository: ghcr.io/octo/services\n  tag: <abc>  # 🚀\n",
    ),
    Shape(
        name="keys in question marks",
        text="? image\n: repository: ghcr.io/octo/services\n  tag: <abc>\n",
    ),
)
