"""What nobody reported while nobody listened: the controller was off, or the history did not answer."""

from tests.alerting.alerts import series
from tests.server.alerting.watched import HOT, World, node, rule

from sentinel.core.alert import Comparison, NoData
from sentinel.core.node import NodeState

OK = rule("ok", hold=0.0, no_data=NoData.OK)
MINDED = rule("minded", hold=0.0, no_data=NoData.ALERT)


def standing(*, minded: bool = False) -> World:
    """A rule's alert that was told."""
    world = World()
    world.channel("mail")
    world.write(MINDED if minded else OK)
    world.says(HOT, {series(): 95.0})
    for _ in range(4):
        world.round(after=40.0)  # that it was told is so long ago that any news of it goes out at once
    assert len(world.told("mail")) == 1
    return world


def test_what_stood_before_a_restart_stands_until_its_node_had_time_to_say_something() -> None:
    for minded in (False, True):
        world = standing(minded=minded)
        del world.values[HOT]
        world.wait(300)  # the whole controller is off, so nothing is taken in
        world.start()
        for _ in range(5):
            world.round(after=5.0)
        assert len(world.told()) == 1, "nothing of it is news"
        world.says(HOT, {series(): 95.0})
        world.round(after=5.0)
        for _ in range(20):
            world.round(after=5.0)
        assert len(world.told()) == 1


def test_what_says_nothing_for_a_minute_after_a_restart_is_missing() -> None:
    for minded, state in ((False, "resolved"), (True, "no-data")):
        world = standing(minded=minded)
        del world.values[HOT]
        world.wait(300)
        world.start()
        for _ in range(20):
            world.round(after=5.0)
        assert [one for one, _ in world.told()] == ["firing", state]


def test_the_same_when_the_history_answers_again() -> None:
    world = standing()
    del world.values[HOT]
    world.past.away = "it is off"
    for _ in range(60):
        world.round(after=5.0)
    world.past.away = None
    world.round(after=5.0)
    world.says(HOT, {series(): 95.0})
    for _ in range(20):
        world.round(after=5.0)
    assert len(world.told()) == 1


def test_the_same_when_the_machine_slept() -> None:
    world = standing()
    del world.values[HOT]
    world.round(after=1000.0)
    world.says(HOT, {series(): 95.0})
    for _ in range(20):
        world.round(after=5.0)
    assert len(world.told()) == 1


def test_what_the_controller_knows_itself_needs_no_time() -> None:
    world = World()
    world.channel("mail")
    world.write(
        rule("up", metric="sentinel_node_up", op=Comparison.BELOW, threshold=1, hold=0.0, no_data=NoData.OK)
    )
    world.write(node("gpu01", NodeState.SILENT))
    world.round()
    assert world.told() == [("firing", "up")]
    world.start()
    world.write(node("gpu01", NodeState.DEAD))
    world.round()
    world.round(after=60.0)
    assert world.told()[1:] == [("resolved", "up")]
