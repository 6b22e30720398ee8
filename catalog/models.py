"""Known servers, their releases and tools: public facts of no tenant, written only by catalog.services."""

from django.db import models
from django.db.models.functions import Lower, Now

from catalog.rubric import CATEGORIES, LEVELS


class KnownServer(models.Model):
    """A public MCP server in its newest release. `digest` is of all data files that it was loaded from.

    An imported one came from a live endpoint or a registry's export instead, and no load removes it.
    """

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    publisher = models.CharField(max_length=200)
    repository = models.CharField(max_length=300)
    package = models.CharField(max_length=200)
    release = models.CharField(max_length=60)
    transport = models.CharField(max_length=40)
    requires_env = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    summary = models.TextField(default="", db_default="")
    is_imported = models.BooleanField(default=False, db_default=False)
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} {self.release}"


class KnownRelease(models.Model):
    """One release of a known server as its data file says it; `position` counts from the oldest that we know."""

    server = models.ForeignKey(KnownServer, on_delete=models.CASCADE, related_name="releases")
    position = models.PositiveIntegerField()
    release = models.CharField(max_length=60)
    document = models.TextField()

    class Meta:
        ordering = ("server", "position")
        constraints = (models.UniqueConstraint(fields=("server", "release"), name="known_release_once"),)

    def __str__(self) -> str:
        return self.release


class KnownWord(models.Model):
    """A word of the catalogue's names and texts, so that a search can tell a typing mistake from a word."""

    word = models.CharField(max_length=128, primary_key=True, db_collation="C")

    def __str__(self) -> str:
        return self.word


class KnownTool(models.Model):
    """One tool of a known server's newest release. `input_schema` is JSON text: jsonb would not keep its order.

    `name_words` and `context_words` are what a search finds it by beside its texts; the database makes a column
    `search` of them, which only catalog.search reads.
    """

    server = models.ForeignKey(KnownServer, on_delete=models.CASCADE, related_name="tools")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=128)
    title = models.CharField(max_length=200)
    module = models.CharField(max_length=100)
    category = models.CharField(max_length=20)
    risk = models.CharField(max_length=20)
    summary = models.TextField()
    rationale = models.TextField()
    signals = models.JSONField(default=list)
    attacks = models.JSONField(default=list)
    requires_auth = models.BooleanField()
    method = models.CharField(max_length=40)
    endpoint = models.CharField(max_length=300)
    input_schema = models.TextField()
    is_reviewed = models.BooleanField(default=True, db_default=True)
    name_words = models.TextField(default="", db_default="")
    context_words = models.TextField(default="", db_default="")

    class Meta:
        ordering = ("server", "position")
        constraints = (
            models.UniqueConstraint("server", Lower("name"), name="known_tool_name_once"),
            models.CheckConstraint(
                condition=models.Q(category__in=[category.value for category in CATEGORIES]),
                name="known_tool_category",
            ),
            models.CheckConstraint(
                condition=models.Q(risk__in=[level.value for level in LEVELS]), name="known_tool_risk"
            ),
        )

    def __str__(self) -> str:
        return self.name
