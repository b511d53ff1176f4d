"""Settings that people give for an application, held against its forms: a worker drops what it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.model.applications import SettingsField, SettingsForm
from segue.model.errors import Invalid

_LONGEST = 20_000


def check_settings(
    forms: Sequence[SettingsForm], settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The settings as they are to be sent. Raises Invalid naming the form or field that is wrong; none is sent then."""
    if not settings:
        raise Invalid("settings: no form is given")
    known = {form.key: form for form in forms}
    checked: dict[str, dict[str, Any]] = {}
    for key, values in settings.items():
        form = known.get(key)
        if form is None:
            raise Invalid(f"settings.{key[:100]}: there is no such form; there are: {', '.join(known) or 'none'}")
        fields = {field.key: field for field in form.fields}
        for name in values:
            if name not in fields:
                raise Invalid(f"settings.{key}.{name[:100]}: there is no such field; there are: {', '.join(fields)}")
        checked[key] = {name: _checked(key, form, fields[name], value) for name, value in values.items()}
    return checked


def check_password(forms: Sequence[SettingsForm], form: str, field: str) -> None:
    """Raises Invalid unless this field of this form is a password that can be set."""
    for known in forms:
        if known.key == form:
            for each in known.fields:
                if each.key == field and each.type == "password":
                    _check_open(f"{form}.{field}", known, each)
                    return
    raise Invalid(f"{form[:100]}.{field[:100]}: there is no such password")


def _checked(key: str, form: SettingsForm, field: SettingsField, value: Any) -> Any:
    where = f"settings.{key}.{field.key}"
    if field.type == "password":
        raise Invalid(f"{where}: a password is set by itself")
    _check_open(where, form, field)
    if value in (None, "", []):
        if field.required:
            raise Invalid(f"{where}: is required")
        return value
    check = _CHECKS.get(field.type, _check_text)
    check(where, field, value)
    return value


def _check_open(where: str, form: SettingsForm, field: SettingsField) -> None:
    if form.read_only or field.read_only or field.disabled:
        raise Invalid(f"{where}: can be read only")


def _check_text(where: str, field: SettingsField, value: Any) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Invalid(f"{where}: has to be a text of at most {_LONGEST} characters")
    if field.type == "url" and not value.startswith(("http://", "https://")):
        raise Invalid(f"{where}: has to be an address that begins with http:// or https://")


def _check_number(where: str, _field: SettingsField, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"{where}: has to be a number")


def _check_box(where: str, _field: SettingsField, value: Any) -> None:
    if not isinstance(value, bool):
        raise Invalid(f"{where}: has to be true or false")


def _check_choice(where: str, field: SettingsField, value: Any) -> None:
    if field.choices and value not in _values(field.choices):
        raise Invalid(f"{where}: is none of the choices")


def _check_choices(where: str, field: SettingsField, value: Any) -> None:
    if not isinstance(value, list):
        raise Invalid(f"{where}: has to be a list")
    for each in value:
        _check_choice(where, field, each)


def _values(choices: Sequence[Any]) -> list[Any]:
    """What can be chosen: a choice is a value, or an object or pair of a value and its label."""
    values: list[Any] = []
    for choice in choices:
        if isinstance(choice, dict):
            values += [choice[name] for name in ("value", "key") if name in choice] or list(choice)
        else:
            values.append(choice)
    return values


_CHECKS = {
    "number": _check_number,
    "checkbox": _check_box,
    "selectbox": _check_choice,
    "multiselect": _check_choices,
}
