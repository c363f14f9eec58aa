"""The base of everything that is read from a file."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys and converted types are errors ("5" is not 5), instances cannot change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    not_here: ClassVar[dict[str, str]] = {}
    """Keys that a person may look for here, and why they are elsewhere: better than the nearest name."""
