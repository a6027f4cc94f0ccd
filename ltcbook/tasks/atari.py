"""Breakout in the real emulator: a scripted expert to imitate, and closed-loop play of any policy.

The emulator is the package ale-py, an optional extra (its licence is the GPL); it brings the game, nothing is
downloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ..validation import brief, choice, generator, number, optional, whole

if TYPE_CHECKING:
    from collections.abc import Callable

ACTIONS = ("stay", "fire", "right", "left")  # the game's minimal action set, in the emulator's order
OBSERVATIONS = ("features", "frames")
FRAME_SKIP = 4  # emulator frames per action
# bytes of the game's memory and the range of pixels behind them, found by moving paddle and ball to the walls
BALL_X, BALL_Y, PADDLE = 99, 101, 72
LEFT, RIGHT, PADDLE_LEFT, PADDLE_RIGHT, BOTTOM = 56.0, 198.0, 55.0, 191.0, 208.0
PADDLE_HALF = 7.0  # from the paddle's position to that of a ball above its middle
PADDLE_TOP = 180.0
COAST, REACH = 11.0, 9.0  # the paddle rolls on after a push; a ball this far from its middle still hits it


class BallTracker:
    """The scripted expert: works out where a falling ball will land and moves the paddle there.

    A policy on the observation "features": ``tracker(features) -> action``; ``reset()`` before each game. It
    remembers the ball's and the paddle's last positions, so it knows their velocities. While the ball rises
    it waits in the middle.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the last positions."""
        self._last: tuple[float, float, float] | None = None

    def __call__(self, features: np.ndarray) -> int:
        """The action (0 to 3, see ACTIONS) for features (3,) = ball x, ball y, paddle x in [0, 1]."""
        x = LEFT + float(features[0]) * (RIGHT - LEFT)
        y = float(features[1]) * BOTTOM
        paddle = PADDLE_LEFT + float(features[2]) * (PADDLE_RIGHT - PADDLE_LEFT) + PADDLE_HALF
        last, self._last = self._last, (x, y, paddle)
        if y == 0:
            self._last = None
            return ACTIONS.index("fire")
        aim, drift = x, 0.0
        if last is not None:
            dx, dy, drift = x - last[0], y - last[1], paddle - last[2]
            if dy > 0 and y < PADDLE_TOP:
                aim = _reflected(x + dx * (PADDLE_TOP - y) / dy)
            elif dy < 0:
                aim = (LEFT + RIGHT) / 2
        error = aim - paddle - (COAST * np.sign(drift) if abs(drift) > COAST + 0.5 else 0.0)
        return ACTIONS.index("stay" if abs(error) <= REACH else "right" if error > 0 else "left")


def _reflected(x: float) -> float:
    """Where a ball ends that bounces off both side walls."""
    width = RIGHT - LEFT
    x = (x - LEFT) % (2 * width)
    return LEFT + min(x, 2 * width - x)


def breakout(
    games: int = 1,
    steps: int = 500,
    *,
    observation: Literal["features", "frames"] = "features",
    random_share: float = 0.1,
    sticky: float = 0.25,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Breakout by imitation, (inputs, targets): what the scripted expert saw and did in the real game.

    targets (games, steps), integers: the expert's action (an index into ACTIONS). inputs,
    observation="features": (games, steps, 3), ball x, ball y and paddle x in [0, 1], from the game's memory,
    ball y = 0 while there is no ball; velocities have to be remembered. observation="frames": (games, steps,
    84, 84) uint8, the screen in grey, every pixel an area average (divide by 255; 7 kB per step). One step is
    one action, held for 4 emulator frames (1/15 s).

    random_share: probability that the game is sent a random action instead of the expert's, so that the
    record holds states off the expert's path; the targets stay the expert's. sticky: probability with which
    the emulator repeats the action before (0.25 is its makers' recommendation). Each game starts after 0 to
    30 random waits; a game that ends early is followed by a new one in the same row. Raises ImportError
    without ale-py, ValueError for numbers out of range.
    Source: Bellemare et al. (2013) and Machado et al. (2018), Arcade Learning Environment; the expert is our
    own.
    """
    games, steps = whole("games", games, 1), whole("steps", steps, 1)
    choice("observation", observation, OBSERVATIONS)
    random_share, rng = number("random_share", random_share, 0, 1), generator(rng)
    game, expert = _Game(number("sticky", sticky, 0, 1, open_high=True), rng), BallTracker()
    shape, kind = ((3,), float) if observation == "features" else ((84, 84), np.uint8)
    inputs = np.zeros((games, steps, *shape), kind)
    targets = np.zeros((games, steps), int)
    for row in range(games):
        game.start()
        expert.reset()
        for step in range(steps):
            if game.over:
                game.start()
                expert.reset()
            inputs[row, step] = game.observe(observation)
            targets[row, step] = expert(game.observe("features"))
            game.act(rng.integers(len(ACTIONS)) if rng.random() < random_share else targets[row, step])
    return inputs, targets


def play(
    policy: Callable[[np.ndarray], int],
    *,
    episodes: int = 10,
    steps: int = 2000,
    observation: Literal["features", "frames"] = "features",
    sticky: float = 0.25,
    rng: np.random.Generator,
) -> np.ndarray:
    """Let a policy play Breakout in closed loop: the scores of its games, (episodes,).

    policy: a callable ``policy(observation) -> action`` (an index into ACTIONS) that gets one observation of
    ``breakout`` at a time; if it has a method ``reset()``, that is called before each game. A game ends with
    the last of five lives or after steps actions. Scores are the game's own points (1, 4 or 7 a brick; the
    wall is 432). With sticky=0 a policy that draws nothing plays the same game again and again. Raises
    ImportError without ale-py, ValueError for numbers out of range or an action that does not exist.
    """
    if not callable(policy):
        raise ValueError(f"policy is {type(policy).__name__}; it must be callable, observation -> action.")
    episodes, steps = whole("episodes", episodes, 1), whole("steps", steps, 1)
    choice("observation", observation, OBSERVATIONS)
    game, scores = _Game(number("sticky", sticky, 0, 1, open_high=True), generator(rng)), np.zeros(episodes)
    for episode in range(episodes):
        game.start()
        if hasattr(policy, "reset"):
            policy.reset()
        for _ in range(steps):
            if game.over:
                break
            action = np.asarray(policy(game.observe(observation)))
            if action.size != 1 or action.item() not in range(len(ACTIONS)):
                raise ValueError(
                    f"the policy answered {brief(action)}; an action is the index of one of {ACTIONS}."
                )
            scores[episode] += game.act(int(action.item()))
    return scores


class _Game:
    """One emulator, seeded from rng."""

    def __init__(self, sticky: float, rng: np.random.Generator) -> None:
        ale, roms = (optional(name, "ale-py", "tasks.breakout") for name in ("ale_py", "ale_py.roms"))
        ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)
        self.rng, self.ale = rng, ale.ALEInterface()
        self.ale.setInt("random_seed", int(rng.integers(2**31)))
        self.ale.setInt("frame_skip", FRAME_SKIP)
        self.ale.setFloat("repeat_action_probability", sticky)
        self.ale.loadROM(roms.get_rom_path("breakout"))
        self.actions = self.ale.getMinimalActionSet()

    @property
    def over(self) -> bool:
        return self.ale.game_over()

    def start(self) -> None:
        self.ale.reset_game()
        for _ in range(self.rng.integers(31)):
            self.act(0)

    def act(self, action: int | np.integer) -> float:
        return self.ale.act(self.actions[action])

    def observe(self, kind: str) -> np.ndarray:
        if kind == "frames":
            return np.rint(_shrunk(self.ale.getScreenGrayscale().astype(float))).astype(np.uint8)
        memory = self.ale.getRAM()
        x = (memory[BALL_X] - LEFT) / (RIGHT - LEFT) if memory[BALL_Y] else 0.0
        paddle = (memory[PADDLE] - PADDLE_LEFT) / (PADDLE_RIGHT - PADDLE_LEFT)
        return np.clip([x, memory[BALL_Y] / BOTTOM, paddle], 0, 1)


def _shrunk(screen: np.ndarray, size: int = 84) -> np.ndarray:
    """The screen as (size, size) area averages: differences of running sums, read at the new edges."""
    for _ in range(2):  # rows, then, transposed, columns
        edges = np.linspace(0, len(screen), size + 1)
        below = np.minimum(edges.astype(int), len(screen) - 1)
        sums = np.vstack([np.zeros(screen.shape[1]), np.cumsum(screen, axis=0)])
        at_edges = sums[below] + (edges - below)[:, None] * screen[below]
        screen = np.diff(at_edges, axis=0).T * size / len(screen)
    return screen
