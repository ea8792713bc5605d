"""Measure finding, answering, citing and refusing, on questions with known answers.

`datasets` reads questions, `run` asks them, `metrics` counts, `report` shows, `compare` sets two
results side by side, `auto` makes questions by rule, and `testing` is for pytest.
"""
