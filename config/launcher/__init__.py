"""The launcher behind ./run and ./test; all but web.py and answering.py use the standard library only."""
