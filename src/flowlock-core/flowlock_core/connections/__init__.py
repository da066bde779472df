"""Named connections: a task asks for one by its name, its settings never stand where parameters do."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    PrivateAttr,
    SecretBytes,
    SecretStr,
    ValidationError,
    ValidationInfo,
    model_serializer,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.requirement import EngineRequirement
from flowlock_core.connections.settings import ResolvedSettings, Sources, variable_for
from flowlock_core.errors import Problem, nearest
from flowlock_core.masking import remember
from flowlock_core.refusals.sentences import CONNECTION_ERROR

MAX_NAME = 64
NAME_PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_NAME = re.compile(NAME_PATTERN)
# Keys of a validation context: names are checked and settings left alone; nothing is written to real places.
NAMES_ONLY: Final = "connection_names_only"
MOCKED: Final = "mock_io"


class ConnectionSettings(BaseModel, ABC):
    """The settings of one kind of connection; a field of the type SecretStr is never shown.

    Where a value may be seen (in texts, JSON, results), it is the connection's name; pickled, it is the name
    too, and the settings are read again where it is loaded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: ClassVar[str]
    """The kind, as written in variables and files: lower-case letters, digits, single underscores."""
    needs: ClassVar[EngineRequirement | None] = None
    """The package that must be in the environment to connect."""
    not_identifying: ClassVar[frozenset[str]] = frozenset()
    """Settings that do not identify the data, such as time limits."""

    _name: str = PrivateAttr(default="")
    _mocked: bool = PrivateAttr(default=False)

    @property
    def name(self) -> str:
        """The name that the spec or the parameters give; empty for settings that were made by hand."""
        return self._name

    @property
    def mocked(self) -> bool:
        """Whether input and output are mocked: there are no settings, and nothing may be written by them."""
        return self._mocked

    @abstractmethod
    def check(self) -> str:
        """Connect, and return in a few words what answered; a TaskError explains why that fails."""

    def identity(self) -> dict[str, Any] | None:
        """Return what tells this source of data from others, in JSON: the settings that are not secret.

        Host, database, user, the id of a key: another one of them is another source, though the name is the
        same. A result that was kept under one identity must not be used under another. A model whose
        settings cannot tell sources apart returns None; then no result is kept.
        """
        if self._mocked:
            return None
        values = {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if not is_secret(field) and name not in self.not_identifying
        }
        return {"kind": self.kind, **_as_json(values)}

    @classmethod
    def named(cls, name: str, sources: Sources | None = None) -> Self:
        """Return the settings of a name; a SettingsError has every problem of them."""
        resolved = (sources or Sources()).settings(cls.kind, name)
        if not resolved.values:
            raise SettingsError(_without_settings(cls, name, sources or Sources()))
        for value in _hidden_values(cls, resolved):
            remember(value)
        try:
            settings = cls.model_validate(resolved.values)
        except ValidationError as error:
            problems = [_problem(cls, name, item, resolved) for item in error.errors(include_url=False)]
            # The error's own text has values of the settings.
            raise SettingsError(*problems) from None
        return settings.under(name)

    @classmethod
    def mock(cls, name: str) -> Self:
        """Return what stands for a connection where input and output are mocked."""
        return cls.model_construct().under(name, mocked=True)

    def under(self, name: str, *, mocked: bool = False) -> Self:
        """Put new settings under a name, and return them."""
        self._name, self._mocked = name, mocked
        return self

    @model_serializer
    def _as_name(self) -> str:
        return self._name

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield None, self._name

    def __str__(self) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type, str]]:
        """Pickle the name only."""
        if not self._name:
            raise TypeError(f"settings of {self.kind} without a name are not pickled: they may hold secrets")
        return (_mock if self._mocked else _named), (type(self), self._name)


def _named(model: type[ConnectionSettings], name: str) -> ConnectionSettings:
    return model.named(name)


def _mock(model: type[ConnectionSettings], name: str) -> ConnectionSettings:
    return model.mock(name)


class Connection:
    """Marks a parameter that is given as the name of a connection: `Annotated[Postgres, Connection]`."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Take a name where the parameter is said, and give the task the settings."""
        if not (isinstance(source, type) and issubclass(source, ConnectionSettings)):
            raise TypeError(f"Connection marks a model of settings (ConnectionSettings), not {source}")

        def validate(value: Any, _handler: Any, info: ValidationInfo) -> Any:
            return _validated(source, value, info.context or {})

        return core_schema.with_info_wrap_validator_function(
            validate,
            # Says in the JSON Schema what a name is; values are checked above, in words of our own.
            core_schema.str_schema(pattern=NAME_PATTERN, max_length=MAX_NAME),
            serialization=core_schema.plain_serializer_function_ser_schema(_shown),
        )


def _validated(model: type[ConnectionSettings], value: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(value, model):
        return value
    if not (isinstance(value, str) and len(value) <= MAX_NAME and _NAME.fullmatch(value)):
        # What was given is not shown: it may be a URL with a password.
        raise PydanticCustomError(
            "value_error",
            "expected the name of a connection: lower-case letters and digits, words joined by `_`, "
            "such as `main_db`",
        )
    if context.get(NAMES_ONLY):
        return value
    if context.get(MOCKED):
        return model.mock(value)
    try:
        return model.named(value)
    except SettingsError as error:
        raise PydanticCustomError(CONNECTION_ERROR, "{message}", _context_of(error)) from None


def _context_of(error: SettingsError) -> dict[str, Any]:
    """Return of several problems the first one's code and place, and all messages."""
    first = error.problems[0]
    hints = dict.fromkeys(problem.hint for problem in error.problems if problem.hint)
    return {
        "message": str(error),
        "code": first.code,
        "location": first.location,
        "hint": "; ".join(hints) or None,
    }


def _shown(value: Any) -> Any:
    return value.name if isinstance(value, ConnectionSettings) else value


def connection_of(annotation: Any) -> type[ConnectionSettings] | None:
    """Return the model of an annotation that asks for a connection, also an optional one."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if Connection in arguments[1:]:
            model: type[ConnectionSettings] = arguments[0]
            return model
        return connection_of(arguments[0])
    if origin in (Union, UnionType):
        others = [argument for argument in arguments if argument is not NoneType]
        return connection_of(others[0]) if len(others) == 1 else None
    return None


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting is a secret, by its type."""
    return _has_secret(field.annotation)


def _has_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr | SecretBytes):
        return True
    return any(_has_secret(argument) for argument in get_args(annotation))


def _hidden_values(model: type[ConnectionSettings], resolved: ResolvedSettings) -> Iterator[str]:
    """Yield what no message may show: secrets, and what stands under a name that may be a misspelt one."""
    for setting, value in resolved.values.items():
        field = model.model_fields.get(setting)
        if (field is None or is_secret(field)) and not isinstance(value, Mapping | list | bool):
            yield str(value)


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    plain: dict[str, Any] = to_jsonable_python(values)
    return plain


def _without_settings(model: type[ConnectionSettings], name: str, sources: Sources) -> Problem:
    required = [setting for setting, field in model.model_fields.items() if field.is_required()]
    first = variable_for(model.kind, name, (required or list(model.model_fields) or ["…"])[0])
    near = nearest(name, sources.names(model.kind))
    listed = f" (required: {', '.join(required)})" if required else ""
    way_out = f"set {first} and so on{listed}, or write `[{model.kind}.{name}]` into the connections file"
    return Problem(
        code="FL752",
        message=f"the connection `{name}` ({model.kind}) has no settings",
        hint=f"{near} Or {way_out}" if near else way_out,
    )


def _problem(
    model: type[ConnectionSettings], name: str, item: ErrorDetails, resolved: ResolvedSettings
) -> Problem:
    """Return one of pydantic's errors in words that do not have the value."""
    of = f"of the connection `{name}` ({model.kind})"
    if not item["loc"]:
        # A validator of the whole model: its own words.
        return Problem(code="FL752", message=f"the settings {of}: {_words(item)}")
    setting = str(item["loc"][0])
    origin = resolved.origins.get(setting)
    location = origin.location if origin else None
    field = model.model_fields.get(setting)
    if item["type"] == "missing":
        hint = f"set {variable_for(model.kind, name, setting)}, or `{setting}` in the connections file"
        return Problem(code="FL752", message=f"the setting `{setting}` {of} is missing", hint=hint)
    where = f" ({origin.variable})" if origin and origin.variable else ""
    if field is None:
        hint = nearest(setting, list(model.model_fields)) or f"there are {', '.join(model.model_fields)}"
        message = f"a connection of the kind {model.kind} has no setting `{setting}`{where}"
        return Problem(code="FL752", message=message, location=location, hint=hint)
    words = "expected a string" if is_secret(field) else _words(item)
    message = f"the setting `{setting}` {of}{where}: {words}"
    return Problem(code="FL752", message=message, location=location)


def _words(item: ErrorDetails) -> str:
    text = item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text[:1].lower() + text[1:]
