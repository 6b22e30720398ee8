"""The REST API under /api/v1/ for servers, policies, grants and decision records."""
