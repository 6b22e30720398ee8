"""The answers of the simulated tools, one file a family; importing a file registers its tools."""
