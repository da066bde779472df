"""The forges that a new workspace can be for: where its files go, and what differs in them."""

from flowlock.edges.forge import GITHUB, Forge, ForgeRepository
from flowlock.scaffold.templates import filled

# What replaces the names in templates. Gitea has no runner for macOS, takes only the older actions for
# artifacts, and gives a job no token that may write packages: there, a secret has one.
_VALUES = {
    Forge.GITHUB: {
        "forge": "github",
        "systems": "[ubuntu-latest, macos-latest]",
        "upload": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
        "download": "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0",
        "publish_contents": "write # drafts the release, fills it and makes it public",
        "publish_identity": "write # trusted publishing to the channel: no stored key",
        "publish_token": "GITHUB_TOKEN: ${{ github.token }}",
        "push_user": "${{ github.actor }}",
        "push_password": "${{ github.token }}",
        "review_token": "GITHUB_TOKEN: ${{ github.token }}",
        "git_password": "$GITHUB_TOKEN",
        "everything": "*",
    },
    Forge.GITEA: {
        "forge": "gitea",
        "systems": "[ubuntu-latest]",
        "upload": "actions/upload-artifact@a8a3f3ad30e3422c9c7b888a15615d19a852ae32 # v3.1.3",
        "download": "actions/download-artifact@9bc31d5ccc31df68ecc42ccf4149144866c47d8a # v3.0.2",
        "publish_contents": "read # what is published is written with PUBLISH_TOKEN",
        "publish_identity": "none # nothing is trusted by the identity of the job",
        "publish_token": "GITEA_TOKEN: ${{ secrets.PUBLISH_TOKEN }}",
        "push_user": "${{ secrets.PUBLISH_USER }}",
        "push_password": "${{ secrets.PUBLISH_TOKEN }}",
        "review_token": "GITEA_TOKEN: ${{ secrets.PUBLISH_TOKEN }}",
        "git_password": "$GITEA_TOKEN",
        "everything": ".*",
    },
}


def forge_values(forge: Forge, repository: ForgeRepository | None, name: str) -> dict[str, str]:
    """Return the values of templates for a forge; without a repository, those of a made-up one."""
    values = {**_VALUES[forge], "before_publishing": filled(f"before-publishing-{forge}.md", {}).rstrip()}
    chosen = repository
    if chosen is None:
        server = GITHUB if forge is Forge.GITHUB else "https://gitea.example.org"
        chosen = ForgeRepository(forge=forge, server=server, owner=name, name=name)
    values["owner"] = chosen.owner
    host = "ghcr.io" if forge is Forge.GITHUB else chosen.server.partition("://")[2].partition("/")[0]
    values["registry"] = f"{host}/{chosen.owner.lower()}"
    if forge is Forge.GITHUB:
        values["release"] = f"https://prefix.dev/{name}"
        values["channel_target"] = f"prefix:{values['release']}"
        target = str(repository or "")
    else:
        values["release"] = f"{chosen.server}/api/packages/{chosen.owner}/conda"
        values["channel_target"] = f"gitea:{values['release']}"
        target = str(chosen)
    values["forge_target"] = f'forge = "{target}"\n' if target else ""
    return values
