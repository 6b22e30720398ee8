"""What searches need: trigrams, the column `search` that the database keeps itself, and the indexes."""

from typing import Any

from django.db import Error, migrations

SEARCH = """
ALTER TABLE catalog_knowntool ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', name_words), 'A')
    || setweight(to_tsvector('simple', title), 'B')
    || setweight(to_tsvector('english', title || ' ' || summary), 'C')
    || setweight(to_tsvector('simple', context_words), 'D')
) STORED;
CREATE INDEX known_tool_search ON catalog_knowntool USING gin (search);
CREATE INDEX known_tool_beginning ON catalog_knowntool ((lower(name) COLLATE "C"));
CREATE INDEX known_word_trigrams ON catalog_knownword USING gin (word gin_trgm_ops);
-- Whole names of tools are words too, and most of them; what a person mistypes is mostly a short one.
CREATE INDEX known_word_short_trigrams ON catalog_knownword USING gin (word gin_trgm_ops) WHERE length(word) <= 12;
"""
BACK = """
DROP INDEX known_word_short_trigrams;
DROP INDEX known_word_trigrams;
DROP INDEX known_tool_beginning;
ALTER TABLE catalog_knowntool DROP COLUMN search;
"""


def create_extension(apps: Any, schema_editor: Any) -> None:
    """pg_trgm is "trusted": the owner of a database may create it. Elsewhere a superuser has to, once."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if cursor.fetchone():
            return
        try:
            cursor.execute("CREATE EXTENSION pg_trgm")
        except Error as error:
            name = schema_editor.connection.settings_dict["NAME"]
            raise SystemExit(
                f"The search of the catalogue needs PostgreSQL's extension pg_trgm, and it could not be created here "
                f"({str(error).splitlines()[0]}). Install PostgreSQL's contrib package if it is not there, let a "
                f'superuser run CREATE EXTENSION pg_trgm; in the database "{name}", then migrate again.'
            ) from error


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_releases_and_reviews")]

    operations = [
        migrations.RunPython(create_extension, migrations.RunPython.noop),
        migrations.RunSQL(SEARCH, BACK),
    ]
