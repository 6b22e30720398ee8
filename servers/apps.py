"""The servers app."""

from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "servers"
