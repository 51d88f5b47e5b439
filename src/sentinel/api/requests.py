"""What may be sent to the API: every field with its type and its limits. Used by the routes; jobs are in
`job_request`.

Unknown fields are refused, numbers are no strings, and nothing holds a NUL byte: no file name, no argument
and no database takes one. Limits are far above what anybody needs; they bound what one call can cost.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from sentinel.core.identity import Role

LONGEST_NAME = 200
MOST_SECONDS = 10 * 366 * 86400
LEAST_PASSWORD = 10
LEAST_LIFE = 60

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=LONGEST_NAME)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
Password = Annotated[
    str, StringConstraints(pattern=r"^[^\x00]*$", min_length=LEAST_PASSWORD, max_length=1024)
]


class Request(BaseModel):
    """What all of them have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Nothing(Request):
    """An object without fields."""


class WhyRequest(Request):
    """Why something is asked for, for whoever wonders later."""

    why: Line = ""


class NeededWhyRequest(Request):
    """The same where it has to be said."""

    why: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=LONGEST_NAME)]


class LoginRequest(Request):
    """A user's name and password."""

    user: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=100)]
    password: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=1024)] = Field(
        json_schema_extra={"format": "password"}
    )


class TokenRequest(Request):
    """A token to make. `expires_in` is seconds; null is for ever, and for admins alone."""

    label: Line = ""
    kind: Literal["api", "join"] = "api"
    expires_in: float | None = Field(
        None, ge=LEAST_LIFE, le=MOST_SECONDS, description="Left out: 90 days, for a join token 24 hours."
    )
    owner: UserName | None = Field(None, description="Somebody else; for admins alone.")


RoleName = Literal["viewer", "member", "operator", "admin"]


class UserRequest(Request):
    """A user to add. Without a password they use tokens that an admin makes."""

    name: UserName
    role: RoleName
    password: Password | None = Field(None, json_schema_extra={"format": "password"})
    group: UserName | None = Field(None, description="Whose account their jobs count for, too.")

    def as_role(self) -> Role:
        return Role(self.role)


def _without_default(schema: dict[str, Any]) -> None:
    """What is left out stays as it is; it does not become the default."""
    schema.pop("default", None)


class UserChange(Request):
    """What is to be other about a user. `password` null: no log-in by password any more; `group`: in none."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: RoleName = Field("viewer", json_schema_extra=_without_default)
    disabled: bool = Field(False, json_schema_extra=_without_default)
    password: Password | None = Field(None, json_schema_extra=_without_default)
    group: UserName | None = Field(None, json_schema_extra=_without_default)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of role, disabled, password and group")
        return self
