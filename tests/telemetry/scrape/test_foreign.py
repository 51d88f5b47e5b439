"""What is kept of a page that somebody else's exporter wrote."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.sample_batch import Batch, Column, decode, encode
from sentinel.telemetry.scrape.foreign import MOST_SERIES, Kept, kept
from sentinel.telemetry.scrape.text import parse

NOW = 1_700_000_000.0


def keep(text: str, most: int = MOST_SERIES) -> Kept:
    return kept(parse(text), "pod-1", NOW, most)


def named(text: str) -> list[str]:
    return [metric for metric, _, _ in keep(text).values]


def test_a_series_is_of_the_node_that_was_polled_whatever_it_says() -> None:
    text = 'gpu_power_watts{node="controller",gpu="0"} 70\nDCGM_FI_DEV_GPU_TEMP{gpu="0",Hostname="x"} 40\n'
    assert keep(text).values == (
        ("gpu_power_watts", (("gpu", "0"), ("node", "pod-1")), 70.0),
        ("DCGM_FI_DEV_GPU_TEMP", (("Hostname", "x"), ("gpu", "0"), ("node", "pod-1")), 40.0),
    )


def test_processes_are_left_out() -> None:
    text = 'gpu_process_memory_bytes{pid="7",gpu="0"} 1\ngpu_user_memory_bytes{user="ann",gpu="0"} 1\n'
    assert named(text) == ["gpu_user_memory_bytes"]


def test_of_distributions_there_are_sums_and_counts() -> None:
    text = (
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\nh_created 1\n'
        '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\n'
        "# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created 5\n"
        "# TYPE job_created gauge\njob_created 7\n"
    )
    assert named(text) == ["h_sum", "h_count", "s_sum", "s_count", "c_total", "job_created"]


def test_untyped_buckets_are_left_out_as_well() -> None:
    assert named('x_bucket{le="1"} 1\nx_count 1\nlevel{le="2"} 3\n') == ["x_count", "level"]


def test_it_says_nothing_in_the_controllers_name() -> None:
    text = (
        'sentinel_jobs{state="queued"} 9\nslurm_up 0\nsentinel_node_up 0\nsentinel_scrape_up 1\n'
        'sentinel_source_up{source="gpus"} 1\n'
    )
    assert named(text) == ["sentinel_source_up"]


def test_what_is_unknown_or_of_long_ago_is_left_out() -> None:
    milliseconds = int(NOW * 1000)
    old, good, coming = milliseconds - 61_000, milliseconds - 59_000, milliseconds + 61_000
    text = f"a NaN\nb +Inf\nc 1 {old}\nd 1 {good}\ne 1 {coming}\n"
    assert named(text) == ["d"]


def test_the_exporters_innards_are_left_out() -> None:
    assert named("go_goroutines 1\nprocess_open_fds 1\npython_gc 1\npromhttp_x 1\ngpu_up 1\n") == ["gpu_up"]


def test_where_there_is_no_room_gpus_come_first() -> None:
    text = "".join(f"x{place} 1\n" for place in range(10)) + "gpu_up 1\nworkload_x 1\n"
    found = keep(text, 4)
    assert [metric for metric, _, _ in found.values] == ["gpu_up", "workload_x", "x0", "x1"]
    assert found.left_out == 8


def test_what_dcgm_does_not_know_is_left_out() -> None:
    blank = ("9223372036854775794", "9.223372036854776e+18", "2147483632", "140737488355330")
    text = "".join(f"DCGM_FI_DEV_X{place} {value}\n" for place, value in enumerate(blank))
    assert named(f"{text}DCGM_FI_DEV_GPU_TEMP 40\nother 2147483632\n") == ["DCGM_FI_DEV_GPU_TEMP", "other"]


def test_of_a_series_told_twice_the_first_counts() -> None:
    assert keep('a{node="x"} 1\na{node="y"} 2\n').values == (("a", (("node", "pod-1"),), 1.0),)


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z_:]{1,8}", fullmatch=True),
            st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), WORDS, max_size=4),
        ),
        max_size=8,
    )
)
def test_the_history_can_hold_all_that_is_kept(rows: list[tuple[str, dict[str, str]]]) -> None:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

    text = "".join(
        name + "{" + ",".join(f'{key}="{escaped(value)}"' for key, value in labels.items()) + "} 1\n"
        for name, labels in rows
    )
    columns = tuple(
        Column(metric=metric, labels=labels, values=array("f", (value,)))
        for metric, labels, value in keep(text).values
    )
    batch = Batch(node="pod-1", sequence=1, times=(NOW,), columns=columns)
    assert tuple(decode(encode(batch)).columns) == columns
