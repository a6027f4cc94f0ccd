"""Other numbers than the page's, so that the page's solutions give nothing away."""

import copy
import random

from .source import Cell, Exercise, Given, Part, part

NOTE = "*The text of this solution speaks of the numbers on the page. The cell above has this variant's.*\n\n"


def variant(exercise: Exercise, seed: int) -> Exercise:
    """The exercise with other numbers, drawn for it from ``seed``; the same seed gives the same numbers.

    An exercise without numbers to change comes back as it is.
    """
    if not exercise.varies:
        return exercise
    dice = random.Random(f"{seed}/{exercise.name}")
    cell = copy.deepcopy(exercise.cell)
    parts = []
    for one in exercise.parts:
        answer = copy.deepcopy(one.answer)
        for given in one.given:
            value = dice.choice(given.others)
            put(cell, answer, given, value)
        parts.append((answer, one.check))
    read = tuple(part(exercise.chapter, cell, answer, check) for answer, check in parts)
    return Exercise(exercise.chapter, exercise.number, exercise.level, cell, read, noted(exercise.solutions))


def put(cell: Cell, answer: Cell, given: Given, value: str) -> None:
    """Write one number into an exercise's text and into its answer cell."""
    for old, new in zip(given.stands(given.value), given.stands(value), strict=True):
        cell.source = cell.source.replace(old, new)
    lines = answer.source.split("\n")
    k = next(k for k, line in enumerate(lines) if line.startswith(f"{given.name} = "))
    lines[k] = lines[k].replace(f"{given.name} = {given.value}", f"{given.name} = {value}", 1)
    answer.source = "\n".join(lines)


def noted(solutions: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The page's solution, which says that it speaks of the page's numbers; its code would not hold."""
    words = [copy.deepcopy(cell) for cell in solutions if cell.cell_type == "markdown"]
    for cell in words[:1]:
        cell.source = NOTE + cell.source
    return tuple(words)


def plain_answer(one: Part) -> str:
    """An answer cell's lines without the notes for variants."""
    from .source import GIVEN

    return "\n".join(GIVEN.sub("", line).rstrip() for line in one.answer.source.split("\n"))
