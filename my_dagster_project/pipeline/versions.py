"""The code version of an asset: the recipe of what it was made with."""

from hashlib import sha256

BEFORE_RECIPES = "code_version_before_recipes"
"""The metadata that says which code version the same configuration had before recipes."""


def version_of(*parts: object) -> str:
    """Twelve digits of the SHA-256 of whatever an asset's result depends on besides its inputs."""
    return sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:12]
