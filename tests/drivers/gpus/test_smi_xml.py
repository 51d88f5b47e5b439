import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import UsageError
from sentinel.core.gpu import Gpu, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.drivers.gpus import smi_document
from sentinel.drivers.gpus.smi_xml import document_in, parse_xml

MIB = 2**20
HEAD = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'


def log(*cards: str, head: str = HEAD) -> bytes:
    return f"{head}<nvidia_smi_log>{''.join(cards)}</nvidia_smi_log>".encode()


def card(body: str = "", address: str = "00000000:01:00.0") -> str:
    return f'<gpu id="{address}"><uuid>GPU-1</uuid>{body}</gpu>'


def one(body: str) -> Gpu:
    (gpu,) = parse_xml(log(card(body))).gpus
    return gpu


def process(pid: object, kind: str = "C", more: str = "") -> str:
    return f"<process_info><pid>{pid}</pid><type>{kind}</type>{more}</process_info>"


def test_a_card_of_which_little_is_said() -> None:
    gpu = one("")
    assert (gpu.index, gpu.uuid, gpu.pci_bus_id) == (0, "GPU-1", "00000000:01:00.0")
    known = {"index", "uuid", "pci_bus_id", "mig_devices", "sensors"}
    assert gpu.sensors == GpuSensors()
    assert {name for name in Gpu.__slots__ if getattr(gpu, name) is not None} == known


@pytest.mark.parametrize("head", [HEAD, '<?xml version="1.0"?>', "", HEAD.replace("\n", "\r\n")])
def test_any_dtd_or_none(head: str) -> None:
    assert len(parse_xml(log(card(), card(), head=head)).gpus) == 2


def test_a_document_saved_by_powershell() -> None:
    data = log(card("<product_name>Ä</product_name>")).decode().encode("utf-16")
    assert parse_xml(data).gpus[0].name == "Ä"


def test_power_in_the_places_it_has_had() -> None:
    for body, watts, limit in [
        ("<power_readings><power_draw>66.92 W</power_draw><enforced_power_limit>400 W</enforced_power_limit>"
         "<power_limit>410 W</power_limit></power_readings>", 66.92, 400),
        ("<gpu_power_readings><power_draw>9 W</power_draw><current_power_limit>70.00 W</current_power_limit>"
         "</gpu_power_readings>", 9, 70),
        ("<gpu_power_readings><average_power_draw>6.41 W</average_power_draw>"
         "<instant_power_draw>6.52 W</instant_power_draw></gpu_power_readings>", 6.41, None),
        ("<gpu_power_readings><average_power_draw>N/A</average_power_draw>"
         "<instant_power_draw>6.52 W</instant_power_draw></gpu_power_readings>"
         "<module_power_readings><average_power_draw>99 W</average_power_draw></module_power_readings>",
         6.52, None),
        ("<power_readings><power_draw>N/A</power_draw></power_readings>", None, None),
    ]:  # fmt: skip
        gpu = one(body)
        assert (gpu.power_watts, gpu.power_limit_watts) == (watts, limit), body


def test_processes_of_each_kind() -> None:
    kinds = {"C": "compute", "G": "graphics", "C+G": "compute+graphics", "M+C": "mps-client", "X": "unknown"}
    body = "".join(process(pid, kind) for pid, kind in enumerate(kinds, start=1))
    found = one(f"<processes>{body}</processes>").processes or ()
    assert [process.kind.value for process in found] == list(kinds.values())
    assert [process.kind.computes for process in found] == [True, False, True, True, True]


def test_a_process_listed_twice_is_one_process() -> None:
    size = "<used_memory>10 MiB</used_memory>"
    (found,) = one(f"<processes>{process(5, 'C', size)}{process(5, 'G', size)}</processes>").processes or ()
    assert (found.kind, found.memory_bytes) == (ProcessKind.BOTH, 10 * MIB)


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ("", None),
        ("<processes></processes>", ()),
        ("<processes>\n  </processes>", ()),
        ("<processes>None</processes>", ()),
        ("<processes>N/A</processes>", None),
        ("<processes>[Not Supported]</processes>", None),
        (f"<processes>{process('N/A')}{process(5)}</processes>", None),
    ],
)
def test_an_empty_list_and_no_list(said: str, listed: tuple[()] | None) -> None:
    assert one(said).processes == listed


def test_names_that_are_none() -> None:
    for name in ("", "[Insufficient Permissions]", "[Not Found]", "N/A"):
        body = process(5, "C", f"<process_name>{name}</process_name><used_memory>N/A</used_memory>")
        (found,) = one(f"<processes>{body}</processes>").processes or ()
        assert (found.name, found.memory_bytes) == (None, None)


def test_mig_devices_and_what_runs_on_them() -> None:
    device = (
        "<mig_device><index>{0}</index><gpu_instance_id>{1}</gpu_instance_id>"
        "<compute_instance_id>0</compute_instance_id>"
        "<fb_memory_usage><total>9984 MiB</total><used>9 MiB</used></fb_memory_usage>{2}</mig_device>"
    )
    place = "<gpu_instance_id>{}</gpu_instance_id><compute_instance_id>0</compute_instance_id>"
    nested = f"<processes>{process(6)}</processes>"
    gpu = one(
        "<mig_mode><current_mig>Enabled</current_mig></mig_mode><mig_devices>"
        + device.format(0, 3, "<uuid>MIG-a</uuid>")
        + device.format(1, 9, nested)
        + f"</mig_devices><processes>{process(5, 'C', place.format(3))}{process(7, 'C', place.format('N/A'))}"
        "</processes>"
    )
    assert gpu.mig_enabled is True
    assert [(d.index, d.uuid, d.gpu_instance_id, d.memory_used_bytes) for d in gpu.mig_devices] == [
        (0, "MIG-a", 3, 9 * MIB),
        (1, None, 9, 9 * MIB),
    ]
    assert [(p.pid, p.mig_uuid, p.gpu_instance_id) for p in gpu.processes or ()] == [
        (5, "MIG-a", 3),
        (7, None, None),
        (6, None, 9),
    ]


def test_a_sick_card() -> None:
    body = "<fb_memory_usage><used>GPU requires reset</used></fb_memory_usage>"
    assert one(body).error == "GPU requires reset"
    assert one("<temperature><gpu_temp>Unknown Error</gpu_temp></temperature>").error is not None
    assert one("<fan_speed>Unknown Error</fan_speed>").error is None


BOMB = (
    '<!DOCTYPE nvidia_smi_log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<nvidia_smi_log>&b;</nvidia_smi_log>"
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"not xml at all", "line 1"),
        (b"<html><body/></html>", "<html>"),
        (b"<nvidia_smi_log><gpu>", "no element found"),
        (log(card()) + b"WARNING: infoROM is corrupted", "junk after document"),
        (BOMB.encode(), "entity"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "entity"),
        (log("&nothing;"), "entity"),
        (b"<a>" * 100 + b"</a>" * 100, "deep"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "encoding"),
        (b"<nvidia_smi_log>\xff\xfe\x00</nvidia_smi_log>", "line 1"),
    ],
)
def test_what_is_no_document_of_nvidia_smi_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_xml(data)
    assert words in refusal.value.message
    assert "\n" not in refusal.value.message


def test_size_and_number_of_elements_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smi_document, "MAX_BYTES", 1000)
    monkeypatch.setattr(smi_document, "_MAX_ELEMENTS", 20)
    with pytest.raises(UsageError, match="larger"):
        parse_xml(b"<a>" + b" " * 1000 + b"</a>")
    with pytest.raises(UsageError, match="too many"):
        parse_xml(b"<a>" + b"<b/>" * 30 + b"</a>")


def test_a_live_answer_is_mended_where_users_choose_the_words() -> None:
    name = "a<b>&amp;&c\x01</process_name"
    body = process(5, "C", f"<process_name>{name}</process_name>")
    said = f"WARNING: x\n{log(card(f'<processes>{body}</processes>')).decode()}\nWARNING: y at gpu 0\n"
    (found,) = parse_xml(document_in(said).encode()).gpus[0].processes or ()
    assert found.name == "a<b>&&c?</process_name"


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse_xml(data)


TAGS = ("gpu", "uuid", "processes", "process_info", "pid", "type", "mig_devices", "mig_device", "index")
TREES = st.recursive(
    st.sampled_from(["", "N/A", "1", "-1", "9" * 30, "C+G", "[x]", "None"]),
    lambda inner: st.lists(st.tuples(st.sampled_from(TAGS), inner), max_size=4).map(
        lambda parts: "".join(f"<{tag}>{body}</{tag}>" for tag, body in parts)
    ),
)


@given(TREES)
def test_any_shape_of_document_is_read(body: str) -> None:
    assert len(parse_xml(log(f"<gpu>{body}</gpu>")).gpus) == 1
