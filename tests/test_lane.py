"""The lane: geometry held by circles and straight lines, drives held by symmetry and by finer steps."""

import numpy as np
import pytest

from ltcbook.tasks import lane
from ltcbook.tasks.lane.world import AIM


def rng(seed=0):
    return np.random.default_rng(seed)


def circle(radius, length=200.0, drives=1):
    return lane.Road(np.full((drives, int(length / lane.GRID) + 1), 1 / radius))


def at(s=0.0, offset=0.0, heading=0.0):
    return lane.Car(*(np.atleast_1d(np.asarray(value, float)) for value in (s, offset, heading)))


# roads


def test_a_road_of_constant_curvature_is_a_circle():
    heading, place = circle(40.0).at(np.array([40.0 * np.pi / 2]))[1:]
    assert heading == pytest.approx(np.pi / 2)
    # the table's trapezoids: GRID^2 / (12 R^2) of 62.8 m
    assert place[0] == pytest.approx([40.0, 40.0], abs=2e-3)


def test_random_roads_follow_their_seed_and_have_the_stated_bends():
    roads = lane.Road.random(300, 200.0, bend=0.02, rng=rng())
    assert np.array_equal(roads.curvature, lane.Road.random(300, 200.0, bend=0.02, rng=rng()).curvature)
    knots = roads.curvature[:, :: int(15 / lane.GRID)]
    assert knots.std() == pytest.approx(0.02, rel=5 / np.sqrt(2 * knots.size))  # five sd of a sample's sd
    steps = np.abs(np.diff(roads.curvature, 2))
    assert (steps < 1e-12).mean() > 0.9  # linear between the knots
    assert roads.length >= 200 and np.abs(roads.curvature).max() <= lane.TIGHTEST


@pytest.mark.parametrize(
    ("curvature", "said"),
    [(np.full((1, 5), 0.3), "0.3 per m"), (np.full((1, 5), np.nan), "NaN"), (np.zeros(5), "shape")],
)
def test_a_road_that_no_car_can_take_is_refused(curvature, said):
    with pytest.raises(ValueError, match=said):
        lane.Road(curvature)


# the car and its eye


def test_on_a_straight_road_without_error_nothing_needs_steering():
    road, car = lane.Road.straight(1, 100), at()
    assert lane.expert(road, car) == 0
    strips = lane.camera(road, car).reshape(2, 8)
    assert np.allclose(strips, strips[:, ::-1]) and np.allclose(strips[0], strips[1])
    moved = car.moved(road, np.zeros(1), 3.0)
    assert (moved.s[0], moved.offset[0], moved.heading[0]) == (pytest.approx(30.0), 0, 0)


def test_the_bright_spot_lies_where_trigonometry_puts_it():
    road, car = lane.Road.straight(1, 100), at(offset=0.5, heading=0.1)
    for distance in (6.0, 14.0):  # turned by 0.1 about a car that is 0.5 m to the left
        forward, left = lane.ahead(road, car, distance)[0]
        assert forward == pytest.approx(distance * np.cos(0.1) - 0.5 * np.sin(0.1))
        assert left == pytest.approx(-distance * np.sin(0.1) - 0.5 * np.cos(0.1))
    spot = lane.ahead(road, car, 6.0)[0, 1]
    assert lane.camera(road, car)[0, :8] == pytest.approx(np.exp(-(((lane.PIXELS - spot) / 1.2) ** 2)))


def test_a_car_that_turns_as_the_road_does_keeps_its_place_on_it():
    road = circle(25.0)
    for offset in (0.0, 1.0, -1.5):  # on a circle of radius 25 - offset
        car = at(s=3.0, offset=offset).moved(road, 1 / (25.0 - offset) / lane.WHEEL * np.ones(1), 2.0)
        assert car.offset[0] == pytest.approx(offset, abs=1e-9) and car.heading[0] == pytest.approx(
            0, abs=1e-9
        )
        assert car.s[0] - 3.0 == pytest.approx(20.0 * 25.0 / (25.0 - offset))


def test_pure_pursuit_steers_onto_the_circle_through_its_aim():
    road, car = lane.Road.straight(1, 100), at(offset=1.0)
    curvature = lane.expert(road, car)[0] * lane.WHEEL
    aim = lane.ahead(road, car, AIM)[0]
    centre = np.array([0, 1 / curvature])  # of the circle that starts straight ahead
    assert np.linalg.norm(aim - centre) == pytest.approx(abs(1 / curvature))


def test_the_motion_in_the_plane_is_a_circle_whatever_the_road_does():
    road = lane.Road.random(20, 100, rng=rng())
    car = lane.Car(np.full(20, 5.0), np.full(20, 0.3), np.full(20, 0.1))
    places = [car.place(road)]
    for _ in range(4):
        car = car.moved(road, np.full(20, 0.8), 0.1)
        places.append(car.place(road))
    chords = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    exact = 2 * np.sin(0.8 * lane.WHEEL / 2) / (0.8 * lane.WHEEL)  # the chord of an arc of 1 m
    assert np.abs(chords - exact).max() < 2e-3  # the road's table is straight between its points


# drives


def test_the_frame_rate_limit_of_the_expert_converges():
    road, paths = lane.Road.random(8, 120, rng=rng(1)), []
    start = lane.Car(np.zeros(8), np.full(8, 0.8), np.full(8, -0.05))
    for fine in (1, 2, 4, 8):
        car, offsets = start, []
        for _ in range(80 * fine):
            car = car.moved(road, lane.expert(road, car), lane.FRAME / fine)
            offsets.append(car.offset)
        paths.append(np.array(offsets)[fine - 1 :: fine])
    errors = [np.abs(path - paths[-1]).max() for path in paths[:-1]]
    # a held wheel: order 1
    assert errors[0] < 0.06 and errors[1] < 0.6 * errors[0] and errors[2] < 0.5 * errors[1]


def test_a_mirrored_road_gives_mirrored_steering():
    road = lane.Road.random(6, 200, rng=rng(2))
    start = lane.Car(np.zeros(6), np.full(6, 0.4), np.full(6, 0.02))
    mirror = lane.Car(start.s, -start.offset, -start.heading)
    here = lane.drive(lane.expert, road, steps=200, noise=0, start=start, rng=rng())
    there = lane.drive(lane.expert, road.mirrored(), steps=200, noise=0, start=mirror, rng=rng())
    assert np.allclose(here.wheel, -there.wheel, atol=1e-9) and np.allclose(
        here.offset, -there.offset, atol=1e-9
    )
    assert np.allclose(
        here.inputs.reshape(6, 200, 2, 8), there.inputs.reshape(6, 200, 2, 8)[..., ::-1], atol=1e-9
    )


def test_the_expert_stays_where_nobody_steering_leaves():
    road = lane.Road.random(40, 400, rng=rng(3))
    assert lane.drive(lane.expert, road, rng=rng()).stayed.all()
    lost = lane.drive(lane.straight_ahead, road, takeover=0, rng=rng())
    assert not lost.stayed.any() and "0 of 40" in lost.report()
    gone = np.isnan(lost.offset)
    assert (np.diff(gone.astype(int)) >= 0).all()  # who has left does not come back
    assert np.nanmax(np.abs(lost.offset)) <= lane.EDGE
    first = np.argmax(gone, 1)
    assert np.allclose(lost.left, first * lane.FRAME)


def test_one_drive_of_a_batch_is_that_drive_alone():
    road = lane.Road.random(5, 200, rng=rng(4))
    start = lane.Car(np.zeros(5), np.linspace(-1, 1, 5), np.zeros(5))
    together = lane.drive(lane.expert, road, steps=100, noise=0, start=start, rng=rng())
    alone = lane.drive(
        lane.expert, lane.Road(road.curvature[3:4]), steps=100, noise=0, start=at(offset=0.5), rng=rng()
    )
    assert np.allclose(together.offset[3], alone.offset[0], atol=1e-12)


def test_a_policy_gets_the_picture_of_the_car_and_the_time_since_the_last():
    asked = []

    def policy(seen, dt):
        asked.append((seen.copy(), dt.copy()))
        return np.zeros(3)

    road = lane.Road.random(3, 400, rng=rng(5))
    seen = lane.drive(policy, road, steps=5, noise=0, drop=0.5, takeover=5, rng=rng())
    car = lane.Car(*(values[:, 3] for values in (seen.s, seen.offset, seen.heading)))
    assert np.allclose(asked[3][0], lane.camera(road, car))
    assert np.array_equal(np.stack([dt for _, dt in asked], 1), seen.dt)
    assert (
        np.allclose(np.diff(seen.time), seen.dt[:, 1:] * lane.FRAME)
        and (seen.dt == np.round(seen.dt)).all()
        and seen.dt.max() > 1
    )


def test_lost_frames_are_skipped_held_or_blank():
    road, options = (
        lane.Road.random(30, 900, rng=rng(6)),
        {"steps": 200, "drop": 0.4, "noise": 0, "rng": rng(7)},
    )
    skip = lane.drive(lane.expert, road, **options)
    assert skip.dt.mean() == pytest.approx(1 / 0.6, rel=0.05)  # geometric gaps
    hold = lane.drive(lane.expert, road, dropped="hold", **options)
    same = (np.diff(hold.inputs, axis=1) == 0).all(-1)
    assert (hold.dt == 1).all() and same.mean() == pytest.approx(0.4, abs=0.03)
    blank = lane.drive(lane.expert, road, dropped="blank", **options)
    assert (blank.inputs[:, 1:] == 0).all(-1).mean() == pytest.approx(0.4, abs=0.03)


def test_irregular_frames_come_once_per_frame_on_average():
    seen = lane.drive(lane.expert, lane.Road.random(30, 900, rng=rng(8)), steps=200, jitter=1.0, rng=rng())
    assert seen.dt.mean() == pytest.approx(1, abs=0.05) and seen.dt.std() == pytest.approx(1, abs=0.1)


def test_noise_and_pushes_have_the_stated_size():
    road, start = lane.Road.straight(50, 300), lane.Car(0, 0, 0)
    noisy = lane.drive(lane.straight_ahead, road, steps=100, noise=0.2, start=start, rng=rng())
    clean = lane.camera(road, lane.Car(*np.zeros((3, 50))))[0]
    assert (noisy.inputs - clean).std() == pytest.approx(0.2, rel=0.02)
    pushed = lane.drive(lane.expert, lane.Road.random(50, 300, rng=rng()), steps=200, push=1.7, rng=rng())
    calm = lane.drive(lane.expert, pushed.road, steps=200, rng=rng())
    assert np.nanmean(pushed.rms) > 1.3 * np.nanmean(calm.rms)


def test_places_of_a_drive_lie_beside_the_road():
    seen = lane.drive(lane.expert, lane.Road.random(4, 200, rng=rng(9)), steps=100, rng=rng())
    middle = np.stack([seen.road.at(seen.s[:, t])[2] for t in range(100)], 1)
    assert np.allclose(np.linalg.norm(seen.places() - middle, axis=-1), np.abs(seen.offset), atol=1e-9)


def test_recorded_drives_are_the_experts_and_come_with_time():
    inputs, targets, dt = lane.record(12, steps=80, drop=0.3, speed=12.0, noise=0.0, rng=rng())
    assert inputs.shape == (12, 80, 16) and targets.shape == (12, 80, 1) and dt.shape == (12, 80)
    assert np.isfinite(inputs).all() and np.isfinite(targets).all() and dt.min() >= 1
    spot = (inputs[..., 8:] * lane.PIXELS).sum(-1) / inputs[..., 8:].sum(-1)
    # he steers to where the far strip is bright
    assert np.corrcoef(spot.ravel(), targets.ravel())[0, 1] > 0.9


def test_a_network_drives_many_cars_as_it_drives_one_and_its_drive_is_what_it_says_of_the_recorded_frames():
    torch = pytest.importorskip("torch")
    from ltcbook import models, train

    net = models.RNNet(16, 8, 1, generator=torch.Generator().manual_seed(0)).double()
    policy = train.RecurrentPolicy(net, act="output")
    roads = lane.Road.random(3, 200, rng=rng(4))
    seen = lane.drive(policy, roads, steps=40, jitter=0.5, drop=0.2, takeover=0, rng=rng(5))
    for b in range(3):
        on = np.isfinite(seen.wheel[b])
        policy.reset()
        alone = [policy(u, dt) for u, dt in zip(seen.inputs[b, on], seen.dt[b, on], strict=True)]
        assert on.sum() > 20 and np.allclose(alone, seen.wheel[b, on], atol=1e-12)
        y, _ = net(torch.as_tensor(seen.inputs[b, on]), dt=torch.as_tensor(seen.dt[b, on]))
        assert np.allclose(y[:, 0].detach(), alone, atol=1e-12)
    with pytest.raises(ValueError, match="act"):
        train.RecurrentPolicy(net, act="steer")


# refusals


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policy": 3}, "callable"),
        ({"policy": lambda seen, dt: np.zeros(3)}, "shape"),
        ({"road": 1}, "lane.Road"),
        ({"policy": lambda seen, dt: np.full(2, np.nan)}, "not finite for 2 drives in frame 0"),
        ({"speed": -1}, "speed"),
        ({"speed": [1, 2, 3]}, "one per drive"),
        ({"steps": 3000}, "roads are"),
        ({"dropped": "lost"}, "choose one of"),
        ({"drop": 1.0}, "drop"),
        ({"start": lane.Car(0, 3.0, 0)}, "start"),
        ({"start": lane.Car(0, np.nan, 0)}, "start"),
        ({"start": 3}, "lane.Car"),
        ({"jitter": None}, "jitter"),
        ({"policy": lambda seen, dt: None}, "one number per drive"),
        ({"speed": "fast"}, "speed is 'fast'"),
        ({"noise": -1}, "noise"),
        ({"rng": 1}, "rng"),
    ],
)
def test_what_no_drive_can_be_is_refused_in_one_sentence(options, said):
    given = {"policy": lane.straight_ahead, "road": lane.Road.straight(2, 300), "rng": rng()} | options
    with pytest.raises(ValueError, match=said):
        lane.drive(given.pop("policy"), given.pop("road"), **given)


def test_a_road_that_turns_tighter_than_the_car_is_refused():
    with pytest.raises(ValueError, match="the car takes at most 0.2 per m"):
        lane.Road(np.full((1, 5), 1.001 * lane.TIGHTEST))
    assert lane.Road(np.full((1, 5), lane.TIGHTEST)).drives == 1
    for wrong in ([[0, np.nan]], [0.0, 0.0], "bends"):
        with pytest.raises(ValueError, match="curvature"):
            lane.Road(wrong)


@pytest.mark.parametrize(
    ("wheel", "seconds", "said"),
    [
        (np.nan, 0.1, "wheel"),
        (np.zeros(3), 0.1, "wheel"),
        (0.0, np.inf, "seconds"),
        (0.0, -0.1, "time goes forward"),
    ],
)
def test_a_car_moves_forward_in_time_with_a_finite_wheel(wheel, seconds, said):
    with pytest.raises(ValueError, match=said):
        lane.Car(*np.zeros((3, 2))).moved(lane.Road.straight(2), wheel, seconds)


def test_cars_that_are_nowhere_are_refused_by_whoever_looks_at_them():
    road, nowhere, three = (
        lane.Road.straight(2),
        lane.Car(np.zeros(2), np.array([0, np.nan]), np.zeros(2)),
        lane.Car(*np.zeros((3, 3))),
    )
    for look in (lane.camera, lane.expert, lambda road, car: lane.ahead(road, car, 5.0)):
        with pytest.raises(ValueError, match="not finite for 1 of 2 cars"):
            look(road, nowhere)
        with pytest.raises(ValueError, match="shapes"):
            look(road, three)
    with pytest.raises(ValueError, match="one per road"):
        road.at([np.nan, 0])


def test_blind_sensors_and_frames_that_go_back_in_time_are_one_error_each():
    torch = pytest.importorskip("torch")
    from ltcbook import models, train

    seen, dt = np.zeros((2, 16)), np.ones(2)
    net = models.RNNet(16, 8, 1, generator=torch.Generator().manual_seed(0)).double()
    for policy in (lane.trained().policy(), train.RecurrentPolicy(net, act="output")):
        broken = seen.copy()
        broken[1, 3] = np.nan
        with pytest.raises(ValueError, match="u holds 1 values that are NaN"):
            policy(broken, dt)
        with pytest.raises(ValueError, match="dt is .*smallest value -1.*>= 0"):
            policy(seen, np.array([1.0, -1.0]))
    policy, driver = lane.trained().policy(), lane.trained()
    policy(seen, dt)
    for wrong in (
        lambda: policy(seen[:1], dt),
        lambda: policy(seen[:, :8], dt),
        lambda: policy(seen, np.ones(3)),
        lambda: policy(seen[0], 1.0),
        lambda: driver.states(seen),
        lambda: driver.states(seen[None], np.ones(3)),
        lambda: driver.heard("dark"),
    ):
        with pytest.raises(ValueError, match="must be|has 16 pixels"):
            wrong()
    with pytest.raises(ValueError, match="no wheel|no readout"):
        lane.Driver.read({"wiring": {}, "cell": {}, "input": {}})
    with pytest.raises(ValueError, match=">= 0"):
        driver.states(seen[None], -1.0)


@pytest.mark.parametrize(
    "options", [{"drop": 1.0}, {"drop": "half"}, {"jitter": 2}, {"speed": -4.0}, {"steps": 0}, {"push": -1}]
)
def test_recording_refuses_what_a_drive_refuses(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        lane.record(2, rng=rng(), **options)


def test_drives_that_nobody_can_keep_on_the_road_end_with_an_error():
    with pytest.raises(ValueError, match="stayed on the road"):
        lane.record(4, steps=60, push=60.0, rng=rng())
