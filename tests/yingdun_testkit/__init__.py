"""What the black-box tests use to drive the real program from outside.

Nothing here knows how the program works inside: it is started, asked over its ports, stopped and killed like any
other server, and its peers are programs that were written elsewhere.
"""
