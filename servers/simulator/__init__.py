"""The Bybit simulator: a real MCP server over invented but coherent accounts; it never reaches out to any network."""
