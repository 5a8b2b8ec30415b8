"""Agent turns with AG2: run, commit step by step, resume anywhere. No Django here.

Rule: AG2 makes turns; the sequence of turns, storage and the browser belong to the layers above (ports.py).
"""
