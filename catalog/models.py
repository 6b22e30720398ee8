"""Known servers and their tools: public facts of no tenant, written only by load_catalog from catalog/data."""

from django.db import models
from django.db.models.functions import Lower

from catalog.rubric import CATEGORIES, LEVELS


class KnownServer(models.Model):
    """One release of a public MCP server. `digest` is the SHA-256 of the data file that it was loaded from."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    publisher = models.CharField(max_length=200)
    repository = models.CharField(max_length=300)
    package = models.CharField(max_length=200)
    release = models.CharField(max_length=60)
    transport = models.CharField(max_length=40)
    requires_env = models.JSONField(default=list)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} {self.release}"


class KnownTool(models.Model):
    """One tool of a known server. `input_schema` is JSON text: jsonb would not keep the order of its parameters."""

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
