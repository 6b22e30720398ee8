"""`manage.py rotate_keys`: seals every stored secret with the newest key, so that older keys can be taken away."""

from django.core.management.base import BaseCommand, CommandError

from accounts.access import organisation_ids
from servers.credentials import newest_key_version
from servers.services import reseal_headers


class Command(BaseCommand):
    help = "Seal every stored request header with the highest key version of ENCRYPTION_KEYS."

    def handle(self, *args: object, **options: object) -> None:
        count = 0
        broken: list[str] = []
        for organisation_id in organisation_ids():
            done = reseal_headers(organisation_id)
            count += done.count
            broken += done.broken
        self.stdout.write(f"{count} sealed anew with key version {newest_key_version()}.")
        if broken:
            lines = "\n  ".join(broken)
            raise CommandError(f"{len(broken)} did not open and were left as they are:\n  {lines}")
