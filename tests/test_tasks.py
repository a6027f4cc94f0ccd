"""Tasks: shapes, seeds, the published statements, no leak into training data, a real game of Breakout."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from ltcbook import tasks
from ltcbook.tasks import atari, signals


def rng(seed=0):
    return np.random.default_rng(seed)


# sine


def test_sine_is_the_tutorials_task():
    inputs, targets = tasks.sine()
    assert inputs.shape == (48, 2) and targets.shape == (48, 1)
    k = np.arange(48) / 47
    assert np.allclose(inputs[:, 0], np.sin(3 * np.pi * k)) and np.allclose(
        inputs[:, 1], np.cos(3 * np.pi * k)
    )
    assert np.allclose(targets[:, 0], np.sin(6 * np.pi * k), atol=1e-12)


def test_a_batch_starts_anywhere_and_keeps_the_law():
    inputs, targets = tasks.sine(30, batch=50, rng=rng())
    assert inputs.shape == (50, 30, 2) and targets.shape == (50, 30, 1)
    assert np.allclose(targets[..., 0], 2 * inputs[..., 0] * inputs[..., 1])  # sin 2a = 2 sin a cos a
    assert len(np.unique(inputs[:, 0, 0].round(6))) == 50


def test_noise_is_on_the_inputs_only_and_has_the_stated_size():
    clean, noisy = tasks.sine(2000), tasks.sine(2000, noise=0.3, rng=rng())
    assert np.array_equal(clean[1], noisy[1])
    # five sd of a sample's sd
    assert (noisy[0] - clean[0]).std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 4000))


def test_irregular_keeps_the_law_and_its_dt_are_the_gaps_in_the_angle():
    inputs, targets, dt = tasks.irregular(40, batch=20, rng=rng())
    assert inputs.shape == (20, 40, 2) and targets.shape == (20, 40, 1) and dt.shape == (20, 40)
    assert np.allclose(targets[..., 0], 2 * inputs[..., 0] * inputs[..., 1])
    angle = np.unwrap(np.arctan2(inputs[..., 0], inputs[..., 1]), axis=-1)
    assert np.allclose(angle[:, -1] - angle[:, 0], 3 * np.pi)
    gaps = np.diff(angle, axis=-1)
    assert np.allclose(gaps / gaps.sum(-1, keepdims=True), dt[:, 1:] / dt[:, 1:].sum(-1, keepdims=True))


def test_irregular_steps_are_positive_uneven_and_one_on_average():
    dt = tasks.irregular(500, closest=0.2, rng=rng())[2]
    assert dt.shape == (500,) and dt.mean() == pytest.approx(1) and dt.min() > 0.15 and dt.std() > 0.5


# digits


def test_digits_are_the_real_images_as_rows():
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    inputs, targets = tasks.digits()
    data = sklearn.load_digits()
    assert inputs.shape == (1438, 8, 8) and targets.shape == (1438,)
    assert np.array_equal(inputs[17] * 16, data.images[17]) and targets[17] == data.target[17]
    assert inputs.min() == 0 and inputs.max() == 1


def test_no_image_is_in_both_parts_and_none_is_lost():
    pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    train, test = tasks.digits("train", rng=rng(1)), tasks.digits("test", rng=rng(2))
    assert len(train[0]) + len(test[0]) == 1797
    seen = {image.tobytes() for image in train[0]}
    assert not any(image.tobytes() in seen for image in test[0])
    assert np.bincount(test[1], minlength=10).min() >= 30  # every digit is tested


def test_pixels_are_the_rows_one_after_the_other():
    pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    rows, pixels = tasks.digits(layout="rows")[0], tasks.digits(layout="pixels")[0]
    assert pixels.shape == (1438, 64, 1) and np.array_equal(pixels[:, 8:16, 0], rows[:, 1])


# sunspots


def test_the_sunspot_table_is_the_known_series():
    years, numbers = tasks.sunspot_series()
    assert years.tolist() == list(range(1700, 2009))
    at = dict(zip(years.tolist(), numbers, strict=True))
    assert (at[1700], at[1957], at[2008]) == (
        5,
        190.2,
        2.9,
    ) and numbers.argmax() == 257  # the maximum of 1957


def test_sunspot_targets_are_next_years_inputs():
    inputs, targets = tasks.sunspots(window=20)
    assert inputs.shape == targets.shape and inputs.shape[1:] == (20, 1)
    assert np.array_equal(inputs[:, 1:], targets[:, :-1])
    years, numbers = tasks.sunspot_series()
    split = len(years) - round(0.25 * len(years))
    assert len(inputs) == split - 20
    assert np.allclose(inputs[0, :, 0] * numbers[:split].std() + numbers[:split].mean(), numbers[:20])


def test_the_test_years_reach_neither_the_training_windows_nor_the_normalisation(monkeypatch):
    before = tasks.sunspots("train")
    years, numbers = tasks.sunspot_series()
    split = len(years) - round(0.25 * len(years))
    numbers[split:] += 1000.0  # another future
    monkeypatch.setattr(signals, "sunspot_series", lambda: (years, numbers))
    after = tasks.sunspots("train")
    assert np.array_equal(before[0], after[0]) and np.array_equal(before[1], after[1])
    assert tasks.sunspots("test")[0].min() > 10  # the test windows see nothing of the training years


def test_the_ice_core_is_the_known_series_from_old_to_young():
    age, temperature = tasks.ice_core_series()
    gaps = -np.diff(age)
    assert len(age) == len(temperature) == 5785 and (gaps.min().round(1), gaps.max()) == (8.3, 1364.0)
    assert temperature[np.searchsorted(-age, -21000.0)] < -7  # the last ice age
    last = age < 1000
    assert abs(temperature[last].mean()) < 0.2  # it is measured from the last 1000 years
    assert 2 < temperature[(age > 125e3) & (age < 130e3)].mean() < 5  # the warm time before that ice age


def test_ice_core_gaps_lie_between_an_input_and_its_target():
    age, temperature = tasks.ice_core_series()
    parts = {part: tasks.ice_core(part, window=50) for part in ("train", "test")}
    for inputs, targets, dt in parts.values():
        assert (
            np.array_equal(inputs[:, 1:], targets[:, :-1])
            and inputs.shape[1:] == (50, 1)
            and dt.shape == inputs.shape[:2]
        )
    inputs, targets, dt = parts["test"]  # the third window
    assert np.allclose(dt[0], (age[100:150] - age[101:151]) / 100)
    scale = (temperature[101] - temperature[100]) / (targets[0, 0, 0] - inputs[0, 0, 0])
    assert np.allclose(targets[0, :, 0] - inputs[0, :, 0], np.diff(temperature[100:151]) / scale)
    assert len(parts["train"][0]) + len(inputs) == 5784 // 50 and abs(parts["train"][0].mean()) < 1e-12


def test_the_test_windows_of_the_ice_core_do_not_reach_the_normalisation(monkeypatch):
    before, (age, temperature) = tasks.ice_core(), tasks.ice_core_series()
    temperature[128:192] += 1000.0  # the third window
    monkeypatch.setattr(signals, "ice_core_series", lambda: (age, temperature))
    assert np.array_equal(before[0], tasks.ice_core()[0])


def test_windows_step_by_stride():
    assert len(tasks.sunspots(window=10, stride=10)[0]) == 23
    shuffled, plain = tasks.sunspots(rng=rng())[0], tasks.sunspots()[0]
    assert not np.array_equal(shuffled, plain) and np.array_equal(np.sort(shuffled, 0), np.sort(plain, 0))


# delayed decision


def test_a_trial_goes_through_its_four_periods():
    inputs, targets = tasks.delayed_decision(
        200, dt=50, fixation=100, stimulus=500, delay=(300, 600), decision=200, sigma=0.0, rng=rng()
    )
    assert inputs.shape == (200, 28, 3) and targets.shape == (200, 28)
    assert (inputs[:, :24, 0] == 1).all() and (inputs[:, 24:, 0] == 0).all()
    assert (targets[:, :24] == 0).all() and np.isin(targets[:, 24:], (1, 2)).all()
    assert (targets[:, 24:] == targets[:, 24:25]).all()
    on = inputs[..., 1] > 0
    assert (on.sum(1) == 10).all()
    last = 23 - on[:, :24][:, ::-1].argmax(1)
    assert set((23 - last).tolist()) == {6, 12}  # delays of 300 and 600 ms


def test_the_answer_is_the_stronger_side():
    inputs, targets = tasks.delayed_decision(300, coherences=(12.8, 51.2), sigma=0.0, rng=rng())
    total = inputs[..., 1:].sum(1)
    assert np.array_equal(total.argmax(1) + 1, targets[:, -1])
    on = inputs[0, inputs[0, :, 1] > 0, 1:]
    assert {round(abs(a - b), 6) for a, b in on} <= {0.128, 0.512} and np.allclose(on.sum(1), 1)


@pytest.mark.parametrize("dt", [20.0, 100.0])
def test_an_ideal_observer_is_right_as_often_as_theory_says_whatever_dt(dt):
    """The summed difference is normal: mean c/100 per step, variance 2 sigma^2 / dt per step."""
    trials, c = 4000, 6.4
    inputs, targets = tasks.delayed_decision(
        trials, dt=dt, stimulus=1000, delay=(0,), coherences=(c,), sigma=2.0, rng=rng(3)
    )
    right = ((inputs[..., 1:].sum(1).argmax(1) + 1) == targets[:, -1]).mean()
    theory = norm.cdf(c / 100 * np.sqrt(1000) / (2.0 * np.sqrt(2)))  # = 0.763
    assert right == pytest.approx(theory, abs=4 * np.sqrt(theory * (1 - theory) / trials))


def test_both_sides_and_all_delays_are_as_likely():
    targets = tasks.delayed_decision(2000, rng=rng())[1][:, -1]
    assert (targets == 1).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2000))


# Breakout


@pytest.fixture
def emulator():
    return pytest.importorskip("ale_py", reason="ale-py is not installed: no Breakout (pip install ale-py)")


def test_the_expert_scores_clearly_above_random(emulator):
    """Five seeds; the worst game of the expert beats the best random one, and its mean beats it tenfold."""
    expert = np.concatenate(
        [tasks.play(tasks.BallTracker(), episodes=1, steps=700, rng=rng(s)) for s in range(5)]
    )
    chance = rng(99)
    random = np.concatenate(
        [tasks.play(lambda _: chance.integers(4), episodes=2, steps=700, rng=rng(s)) for s in range(5)]
    )
    assert expert.min() > random.max(), (expert, random)
    assert expert.mean() > 10 * max(random.mean(), 1)


def test_what_the_expert_did_is_in_its_record(emulator):
    """A fresh expert shown the recorded features answers with the recorded actions."""
    inputs, targets = tasks.breakout(2, 150, rng=rng(1))
    assert inputs.shape == (2, 150, 3) and targets.shape == (2, 150)
    assert inputs.min() >= 0 and inputs.max() <= 1 and set(np.unique(targets)) == {0, 1, 2, 3}
    for features, actions in zip(inputs, targets, strict=True):
        expert = tasks.BallTracker()
        assert [expert(f) for f in features] == actions.tolist()


def test_features_and_frames_show_the_same_game(emulator):
    features, did = tasks.breakout(1, 60, rng=rng(2))
    frames, same = tasks.breakout(1, 60, observation="frames", rng=rng(2))
    assert np.array_equal(did, same) and frames.shape == (1, 60, 84, 84) and frames.dtype == np.uint8
    # the paddle's row of the picture: its bright stretch follows the paddle's feature
    row = frames[0, :, 76, 4:-4].astype(float)
    centre = (row * np.arange(row.shape[1])).sum(1) / row.sum(1)
    assert np.corrcoef(centre, features[0, :, 2])[0, 1] > 0.99


def test_one_seed_one_game(emulator):
    first, again, other = (tasks.breakout(1, 120, rng=rng(s)) for s in (4, 4, 5))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_the_emulators_own_chance_comes_from_rng(emulator):
    """Sticky actions: with the same seed the same ones are repeated, with another seed others."""

    def memory(seed):
        game = atari._Game(0.5, rng(seed))
        for action in [1] + [2, 3, 3, 2, 0] * 20:
            game.act(action)
        return game.ale.getRAM().tolist()

    assert memory(1) == memory(1) and len({str(memory(seed)) for seed in range(4)}) > 1


def test_a_policy_is_reset_before_each_game_and_sees_frames_if_it_asks(emulator):
    class Watcher:
        games, shape = 0, None

        def reset(self):
            self.games += 1

        def __call__(self, frame):
            self.shape = frame.shape
            return np.array([1])

    watcher = Watcher()
    scores = tasks.play(watcher, episodes=3, steps=10, observation="frames", rng=rng())
    assert scores.shape == (3,) and watcher.games == 3 and watcher.shape == (84, 84)


def test_area_averages_are_those_of_the_overlap():
    screen = rng().integers(0, 256, (210, 160)).astype(float)

    def overlap(old, new):
        edges = np.linspace(0, old, new + 1)
        return (
            np.clip(
                np.minimum(edges[1:, None], np.arange(1, old + 1))
                - np.maximum(edges[:-1, None], np.arange(old)),
                0,
                None,
            )
            * new
            / old
        )

    assert np.allclose(atari._shrunk(screen), overlap(210, 84) @ screen @ overlap(160, 84).T)


def test_the_landing_point_reflects_at_both_walls():
    left, right = atari.LEFT, atari.RIGHT
    for x, landing in (
        (left - 5, left + 5),
        (right + 7, right - 7),
        (right + (right - left) + 3, left + 3),
        (100.0, 100.0),
    ):
        assert atari._reflected(x) == pytest.approx(landing)


# missing extras, misuse, seeds


@pytest.mark.parametrize(
    ("package", "install", "call"),
    [
        ("ale_py", "ale-py", "tasks.play(print, rng=np.random.default_rng(0))"),
        ("ale_py", "ale-py", "tasks.breakout(rng=np.random.default_rng(0))"),
        ("sklearn", "scikit-learn", "tasks.digits()"),
    ],
)
def test_a_missing_extra_is_one_import_error_that_names_what_to_install(package, install, call):
    code = (
        f"import sys; sys.modules[{package!r}] = None\nimport numpy as np\nfrom ltcbook import tasks\n"
        f"try:\n    {call}\nexcept ImportError as error:\n    print(error)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf8")
    assert f"pip install {install}" in answer.stdout, answer.stdout + answer.stderr


def test_tasks_load_no_extra():
    extras = ("torch", "sklearn", "ale_py")
    code = f"import sys; from ltcbook import tasks; print([m for m in {extras} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf8").stdout.strip()
        == "[]"
    )


R = np.random.default_rng(0)
WRONG = [
    (tasks.sine, {"steps": 1}, "steps"),
    (tasks.sine, {"steps": 4.5}, "steps"),
    (tasks.sine, {"span": 0}, "span"),
    (tasks.sine, {"span": np.nan}, "span"),
    (tasks.sine, {"noise": -1, "rng": R}, "noise"),
    (tasks.sine, {"noise": 0.1}, "rng"),
    (tasks.sine, {"batch": 3}, "rng"),
    (tasks.sine, {"batch": 0, "rng": R}, "batch"),
    (tasks.irregular, {"rng": 7}, "rng"),
    (tasks.irregular, {"closest": 0, "rng": R}, "closest"),
    (tasks.irregular, {"closest": 1, "rng": R}, "closest"),
    (tasks.digits, {"part": "valid"}, "part"),
    (tasks.digits, {"layout": "columns"}, "layout"),
    (tasks.digits, {"test_share": 1.0}, "test_share"),
    (tasks.digits, {"test_share": 1e-6, "part": "test"}, "empty"),
    (tasks.ice_core, {"part": "all"}, "part"),
    (tasks.ice_core, {"window": 0}, "window"),
    (tasks.ice_core, {"window": 3000}, "three windows"),
    (tasks.ice_core, {"rng": 1}, "rng"),
    (tasks.sunspots, {"part": "all"}, "part"),
    (tasks.sunspots, {"window": 0}, "window"),
    (tasks.sunspots, {"window": 90, "part": "test"}, "shorter window"),
    (tasks.sunspots, {"stride": 0}, "stride"),
    (tasks.sunspots, {"test_share": np.nan}, "test_share"),
    (tasks.sunspots, {"rng": 1}, "rng"),
    (tasks.delayed_decision, {"trials": 0, "rng": R}, "trials"),
    (tasks.delayed_decision, {"trials": 2, "rng": None}, "rng"),
    (tasks.delayed_decision, {"trials": 2, "dt": 0, "rng": R}, "dt"),
    (tasks.delayed_decision, {"trials": 2, "dt": 500, "rng": R}, "fixation"),
    (tasks.delayed_decision, {"trials": 2, "delay": (), "rng": R}, "delay"),
    (tasks.delayed_decision, {"trials": 2, "delay": (-5,), "rng": R}, "delay"),
    (tasks.delayed_decision, {"trials": 2, "coherences": (120,), "rng": R}, "coherences"),
    (tasks.delayed_decision, {"trials": 2, "sigma": np.inf, "rng": R}, "sigma"),
    (tasks.breakout, {"steps": 0, "rng": R}, "steps"),
    (tasks.breakout, {"observation": "ram", "rng": R}, "observation"),
    (tasks.breakout, {"random_share": 2, "rng": R}, "random_share"),
    (tasks.breakout, {"rng": "seed"}, "rng"),
    (tasks.play, {"policy": 3, "rng": R}, "policy"),
    (tasks.play, {"policy": print, "episodes": 0, "rng": R}, "episodes"),
    (tasks.play, {"policy": print, "sticky": 1, "rng": R}, "sticky"),
]


@pytest.mark.parametrize(
    ("task", "wrong", "name"), WRONG, ids=[f"{t.__name__} {k}" for k, (t, _, _) in enumerate(WRONG)]
)
def test_misuse_is_one_value_error_that_names_the_argument(task, wrong, name):
    with pytest.raises(ValueError, match=name):
        task(**wrong)


def test_an_action_that_does_not_exist_is_refused(emulator):
    with pytest.raises(ValueError, match="the policy answered"):
        tasks.play(lambda _: 4, rng=rng())


@pytest.mark.parametrize(
    "make",
    [
        lambda g: tasks.sine(batch=3, noise=0.1, rng=g),
        lambda g: tasks.irregular(rng=g),
        lambda g: tasks.sunspots(rng=g),
        lambda g: tasks.ice_core(rng=g),
        lambda g: tasks.delayed_decision(5, rng=g),
    ],
    ids=["sine", "irregular", "sunspots", "ice_core", "delayed_decision"],
)
def test_a_seed_fixes_a_task_and_another_seed_changes_it(make):
    first, again, other = make(rng(1)), make(rng(1)), make(rng(2))
    assert all(map(np.array_equal, first, again)) and not all(map(np.array_equal, first, other))


def test_a_network_that_imitates_the_expert_beats_random_play_in_closed_loop():
    pytest.importorskip("ale_py")
    torch = pytest.importorskip("torch")
    from ltcbook import models, train

    torch.set_num_threads(1)
    seen, wanted = tasks.breakout(16, steps=600, rng=np.random.default_rng(0))
    mean, spread = seen.mean((0, 1)), seen.std((0, 1)) / 2
    prepare = lambda u: ((u - mean) / spread).astype("float32")
    inputs, targets = (part.reshape(-1, 40, *part.shape[2:]) for part in (prepare(seen), wanted))
    scores = []
    for seed in (0, 1):
        net = models.CfCNet(48, 3, 4, backbone_units=64, generator=torch.Generator().manual_seed(seed))
        history = train.fit(
            net,
            (inputs, targets),
            epochs=25,
            lr=5e-3,
            loss="cross_entropy",
            progress=False,
            rng=np.random.default_rng(seed),
        )
        assert history.loss[-1] < history.loss[0] / 2
        pilot = train.RecurrentPolicy(net.eval(), prepare=prepare, serve=lambda u: 1 if u[1] == 0 else None)
        scores.append(tasks.play(pilot, episodes=5, steps=800, rng=np.random.default_rng(100 + seed)).mean())
    dice = np.random.default_rng(5)  # random play that serves the ball as the pilot does
    idle = tasks.play(
        lambda u: 1 if u[1] == 0 else int(dice.integers(4)),
        episodes=10,
        steps=800,
        rng=np.random.default_rng(9),
    )
    assert min(scores) > idle.mean() + 2 * idle.std() / np.sqrt(10), (scores, idle)
