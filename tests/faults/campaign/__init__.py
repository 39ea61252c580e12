"""The fault campaign: seeded trials, each one fault in one small sync, judged by an oracle of its own.

``python -m tests.faults.campaign --help`` says how to run it; ``--replay ID`` repeats one trial.
"""
