"""How `accounts/_field.html` shows the input of a form's field; knows no form by name."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def as_input(field: BoundField) -> SafeString:
    """The field's input, focused where it is the first that was refused. A placeholder would repeat its label."""
    attrs: dict[str, str | bool] = {"placeholder": False}
    if field.errors and not field.use_fieldset and _first_refused(field) == field.name:
        attrs["autofocus"] = True
    return field.as_widget(attrs=attrs)


def _first_refused(field: BoundField) -> str:
    return next((each.name for each in field.form.visible_fields() if each.errors), "")
