"""What policies tell whoever listens, after it is committed; must not know who that is."""

from django.dispatch import Signal

# Sent with the PolicyVersion as `version`, its policy loaded.
version_published = Signal()
