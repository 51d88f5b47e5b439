"""What health says about public readings: nothing bad about cards in good health, whatever file there is.

Our own documents with what broken cards print stand beside them, as the public ones are all of working cards.
"""

from pathlib import Path

import pytest
from tests.drivers.gpus.test_public_samples import METRICS, XML, over

from sentinel.core.finding import Finding, Severity
from sentinel.core.gpu import GpuReading
from sentinel.drivers.gpus.smi_csv import parse_gpus
from sentinel.drivers.gpus.smi_file import SmiXmlFile
from sentinel.drivers.gpus.smi_xml import parse_xml
from sentinel.health.round import look
from sentinel.health.view import HealthView

NOW = 1_800_000_000.0
HARMLESS = {"persistence.off", "pcie.width", "power.cap"}
"""Information: how the machine is set up. Many of the samples are of cards in slots with 8 lanes."""


def findings(reading: GpuReading) -> tuple[Finding, ...]:
    return look(HealthView(now=NOW, reading=reading)).findings


def check(found: tuple[Finding, ...], broken: bool) -> None:
    if broken:
        assert any(one.component == "gpu" for one in found)
        return
    assert {one.code for one in found} <= HARMLESS
    assert all(one.severity is Severity.INFO and not one.quarantine for one in found)


@pytest.mark.data
@over(XML)
def test_documents(path: Path) -> None:
    reading = SmiXmlFile(path).read()
    check(findings(reading), any(gpu.error for gpu in reading.gpus))


@pytest.mark.data
@over(METRICS)
def test_tables(path: Path) -> None:
    table = path.parent / f"{path.name.partition('.')[0]}.query-gpu.csv"
    gpus = parse_gpus(table.read_text()).gpus
    check(findings(GpuReading(source="smi", gpus=tuple(gpus))), any(gpu.error for gpu in gpus))


def document(**values: str) -> GpuReading:
    told = {
        "fb_memory_usage": "<total>24576 MiB</total><used>512 MiB</used><free>24064 MiB</free>",
        "utilization": "<gpu_util>3 %</gpu_util>",
        "temperature": "<gpu_temp>41 C</gpu_temp><gpu_temp_slow_threshold>95 C</gpu_temp_slow_threshold>",
        "gpu_power_readings": "<average_power_draw>30 W</average_power_draw>",
        "persistence_mode": "Enabled",
    } | values
    body = "".join(f"<{tag}>{inner}</{tag}>" for tag, inner in told.items())
    whole = (
        '<?xml version="1.0" ?><nvidia_smi_log><attached_gpus>1</attached_gpus>'
        f'<gpu id="00000000:01:00.0"><product_name>NVIDIA A100</product_name><uuid>GPU-1</uuid>{body}</gpu>'
        "</nvidia_smi_log>"
    )
    log = parse_xml(whole.encode())
    return GpuReading(source="smi-xml", gpus=log.gpus)


ROWS = (
    "<remapped_row_corr>0</remapped_row_corr><remapped_row_unc>8</remapped_row_unc>"
    "<remapped_row_pending>{pending}</remapped_row_pending>"
    "<remapped_row_failure>{failure}</remapped_row_failure>"
)
BROKEN = "<{0}>{1}</{0}>"


@pytest.mark.parametrize(
    ("values", "code", "quarantine"),
    [
        ({"temperature": BROKEN.format("gpu_temp", "GPU is lost")}, "gpu.lost", True),
        ({"utilization": BROKEN.format("gpu_util", "GPU requires reset")}, "gpu.requires-reset", True),
        ({"utilization": BROKEN.format("gpu_util", "[GPU requires reset]")}, "gpu.requires-reset", True),
        ({"temperature": BROKEN.format("gpu_temp", "ERR!")}, "gpu.err", True),
        ({"gpu_power_readings": BROKEN.format("average_power_draw", "[Unknown Error]")}, "gpu.err", False),
        ({"remapped_rows": ROWS.format(pending="No", failure="Yes")}, "remap.failure", True),
        ({"remapped_rows": ROWS.format(pending="Yes", failure="No")}, "remap.pending", False),
        (
            {
                "ecc_errors": "<volatile><sram_correctable>0</sram_correctable>"
                "<sram_uncorrectable_parity>0</sram_uncorrectable_parity>"
                "<sram_uncorrectable_secded>0</sram_uncorrectable_secded>"
                "<dram_correctable>0</dram_correctable><dram_uncorrectable>2</dram_uncorrectable></volatile>"
            },
            "ecc.uncorrected",
            True,
        ),
        (
            {
                "clocks_event_reasons": "<clocks_event_reason_hw_thermal_slowdown>Active"
                "</clocks_event_reason_hw_thermal_slowdown>"
            },
            "thermal.slowdown",
            False,
        ),
        (
            {
                "fb_memory_usage": "<total>24576 MiB</total><used>20000 MiB</used><free>4000 MiB</free>",
                "processes": "",
            },
            "memory.leaked",
            False,
        ),
    ],
)
def test_a_pasted_document_of_a_broken_card(values: dict[str, str], code: str, quarantine: bool) -> None:
    (found,) = findings(document(**values))
    assert (found.code, found.quarantine) == (code, quarantine)
    assert found.gpu is not None and found.gpu.pci_bus_id == "00000000:01:00.0"


def test_a_pasted_document_of_a_good_card() -> None:
    assert findings(document()) == ()
