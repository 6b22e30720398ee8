"""The policy engine: parse, explain, compile and decide. Plain Python; it knows no Django, no clock and no I/O."""
