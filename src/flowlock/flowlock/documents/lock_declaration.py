"""Whether something has a lock, as flowlock.toml declares it of workflows and a pixi manifest of itself."""

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator


class LockDeclaration(BaseModel):
    """A table with `locked`, and with the `reason` if that is false."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    locked: StrictBool = Field(default=True, description="Whether there is a lock, which must be current.")
    reason: str = Field(
        default="", validate_default=True, description="Why there is no lock; required with `locked = false`."
    )

    @field_validator("reason")
    @classmethod
    def _given(cls, value: str, info: ValidationInfo) -> str:
        unlocked = info.data.get("locked") is False
        if unlocked and not value.strip():
            raise ValueError("`locked = false` needs a reason, which the commands print")
        if value and not unlocked:
            raise ValueError("a reason is only allowed with `locked = false`")
        return " ".join(value.split())
