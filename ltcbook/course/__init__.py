"""From the chapters to a course: student notebooks, an instructor's copy, and autograders, from one source.

`python -m ltcbook.course release CHAPTER... --to FOLDER --format otter|nbgrader|plain` is the command. The
room works on a checkout's chapters and is no part of the wheel.
"""
