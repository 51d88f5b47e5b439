"""`sentinel alert rule …`: files in, files out, and what a rule would have done."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.alerts.alert_rows import EVIL, RULE, a_preview, a_rule, page
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.alerts.rule_file import condition, duration_text, rule_yaml, rules_in
from sentinel.cli.alerts.rule_words import preview_lines, rule_lines, since_text
from sentinel.core.alert import NoData, Rule
from sentinel.core.errors import UsageError
from sentinel.core.finding import Severity
from sentinel.core.rule_json import rule_json

ONE = """\
name: gpu-hot
metric: gpu_temperature_celsius
op: '>'
threshold: 88
for: 2m
severity: warning
"""
FULL = Rule(
    name="full",
    metric="a_bytes",
    op=RULE.op,
    threshold=0.5,
    of="b_bytes",
    hold=90,
    keep_firing_for=0.25,
    severity=Severity.CRITICAL,
    labels=(("team", "ml"),),
    scope={"node": ("gpu01", "gpu02")},
    annotations=(("summary", "{node}: »{value}« °C, 'so' \"it\" is\u202e"),),
    no_data=NoData.ALERT,
    enabled=False,
)

LAUGHS = "".join(f"- &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9))


def written(folder: Path, text: str) -> str:
    path = folder / "rules.yaml"
    path.write_text(text)
    return str(path)


def test_the_file_of_the_guide(tmp_path: Path) -> None:
    assert rules_in(written(tmp_path, ONE)) == [RULE]


@pytest.mark.parametrize("rule", [RULE, FULL])
def test_what_is_shown_can_be_applied(tmp_path: Path, rule: Rule) -> None:
    text = rule_yaml(rule_json(rule))
    assert all(line.isprintable() for line in text.splitlines())
    assert rules_in(written(tmp_path, text)) == [rule]
    if rule is RULE:
        assert text == ONE.replace("severity: warning\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "- {name: a, metric: m, op: '>', threshold: 1e3}\n"
        "- {name: b, metric: m, op: '<', threshold: -1.5E+2}\n",
        "name: a\nmetric: m\nop: '>'\nthreshold: 1000\n---\n"
        "name: b\nmetric: m\nop: '<'\nthreshold: -150\n---\n",
        '[\n\t{"name": "a", "metric": "m", "op": ">", "threshold": 1000},\n'
        '\t{"name": "b", "metric": "m", "op": "<", "threshold": -150}\n]',
        "\ufeff# both\n- &r {name: a, metric: m, op: '>', threshold: 1000}\n"
        "- {<<: *r, name: b, op: '<', threshold: -150}\n",
    ],
)
def test_a_list_several_documents_and_json(tmp_path: Path, text: str) -> None:
    found = rules_in(written(tmp_path, text))
    assert [(one.name, one.threshold) for one in found] == [("a", 1000), ("b", -150)]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (ONE.replace("for: 2m", "fro: 2m"), 5, "did you mean 'for'"),
        (ONE + "for: 3m\n", 7, "'for' comes twice"),
        (ONE.replace("88", "hot"), 4, "is a number"),
        (ONE.replace("threshold: 88\n", ""), 1, "is missing"),
        (ONE + "---\n" + ONE, 8, "another rule gpu-hot"),
        ("# nothing\n", None, "nothing stands in it"),
        (ONE + "labels: {a: b, a: c}\n", 7, "'a' comes twice"),
        (ONE.replace("op: '>'", "op: >"), 3, "is one of '>'"),
        ("name: a\n  metric: b\n", 2, "this is no YAML"),
        ("- a\n- b\n", 1, "is an object"),
        ("!!python/object/apply:os.system ['true']\n", 1, "no YAML"),
        ("[" * 5000, None, "nested too deeply"),
        ("&a {labels: [*a]}", 1, "repeated by an alias"),
        (f"- &a0 [x]\n{LAUGHS}", 5, "repeated by an alias"),
        ("a: \x07", None, "character"),
        ("when: 2026-13-45\n", None, ""),
    ],
)
def test_mistakes_name_file_and_line(tmp_path: Path, text: str, line: int | None, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        rules_in(path)
    where = f"{path}:{line}: " if line else path
    assert caught.value.message.startswith(where), caught.value.message
    assert says in caught.value.message


def test_files_that_cannot_be_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"#" * (1 << 21))
    (tmp_path / "raw").write_bytes(b"\xff\xfe\x00")
    for name, says in (("none", "No such file"), ("big", "1 MiB"), ("raw", "UTF-8"), (".", "directory")):
        done = cli("alert", "rule", "apply", "-f", str(tmp_path / name))
        assert (done.status, says in done.err) == (2, True), done.err
    assert cli.fake.requests == []


def test_without_pyyaml_it_says_what_to_install(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "sentinel.cli.alerts.yaml_objects", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    done = cli("alert", "rule", "apply", "-f", written(tmp_path, ONE))
    assert (done.status, 'pip install "sentinel-gpu[cli]"' in done.err) == (1, True)
    cli.answers("GET alerts", page(watch=None))
    assert cli("alert", "list").status == 0


def test_applying(cli: Cli, tmp_path: Path) -> None:
    did = {"gpu-hot": "changed", "b": "created"}
    for name, what in did.items():
        cli.answers(f"PUT alert-rules/{name}", a_rule(did=what))
    path = written(tmp_path, ONE + "---\n" + ONE.replace("gpu-hot", "b"))
    done = cli("alert", "rule", "apply", "-f", path)
    assert (done.status, done.out) == (0, "gpu-hot: changed\nb: created\n")
    assert cli.fake.requests[0].json == rule_json(RULE)
    done = cli("alert", "rule", "apply", "-f", path, "--json")
    assert json.loads(done.out) == [{"name": name, "did": what} for name, what in did.items()]


def test_nothing_is_written_of_a_file_with_a_mistake(cli: Cli, tmp_path: Path) -> None:
    path = written(tmp_path, ONE + "---\n" + ONE.replace("gpu-hot", "b").replace("88", "hot"))
    done = cli("alert", "rule", "apply", "-f", path)
    assert (done.status, f"{path}:11: " in done.err) == (2, True), done.err
    assert cli.fake.requests == []


def test_a_dry_run(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET alert-rules", page(a_rule(threshold=80)))
    cli.answers("POST alert-rules/preview", a_preview())
    done = cli("alert", "rule", "apply", "-f", written(tmp_path, ONE), "--dry-run", "--since", "30d")
    assert done.out.splitlines()[:2] == [
        "gpu-hot: would be changed",
        "gpu-hot: in the last 7 d, looked at every 1 min: would have fired once, on 1 of",
    ]
    assert cli.fake.requests[-1].json == {"rule": rule_json(RULE), "since": "720h"}
    assert {one.method for one in cli.fake.requests} == {"GET", "POST"}
    cli.answers("GET alert-rules", page(a_rule()))
    done = cli("alert", "rule", "apply", "-f", written(tmp_path, ONE), "--dry-run", "--json")
    (found,) = json.loads(done.out)
    assert (found["did"], found["preview"]["times"]) == ("unchanged", 1)


def test_previews(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET alert-rules/gpu-hot", a_rule())
    cli.answers("POST alert-rules/preview", a_preview())
    done = cli("alert", "rule", "preview", "gpu-hot")
    assert done.out.startswith("gpu-hot: in the last 7 d")
    assert "for 5 min firing, 93.5 at its worst node=gpu01" in done.out
    (found,) = json.loads(cli("alert", "rule", "preview", "-f", written(tmp_path, ONE), "--json").out)
    assert (found["name"], found["times"]) == ("gpu-hot", 1)
    for words in (
        (),
        ("gpu-hot", "-f", "x"),
        ("../x",),
        ("gpu-hot", "--since", "1y"),
        ("gpu-hot", "--since", "100d"),
    ):
        assert cli("alert", "rule", "preview", *words).status == 2
    many = [a_preview()["fired"][0] | {"ended": None, "peak": None, "labels": {"a": EVIL}}] * 30
    lines = preview_lines("gpu-hot", a_preview(fired=many, times=300), None)
    assert (len(lines), all(line.isprintable() for line in lines)) == (12, True)


@pytest.mark.parametrize(
    ("text", "sent"), [("90s", "2m"), ("90m", "90m"), ("7d", "168h"), ("6d", "8640m"), ("60d", "60d")]
)
def test_how_far_back(text: str, sent: str) -> None:
    assert since_text(text) == sent


def test_rules_are_listed_and_shown(cli: Cli) -> None:
    cli.answers("GET alert-rules", page(a_rule(standing=2), a_rule("own", name=EVIL, enabled=False)))
    done = cli("alert", "rule", "list")
    assert done.out.splitlines()[1].split()[:4] == ["gpu-hot", "warning", "shipped", "2"]
    assert "off" in done.out.splitlines()[2]
    assert len(json.loads(cli("alert", "rule", "list", "--json").out)) == 2
    lines = rule_lines([a_rule(name=EVIL * 9, scope={"node": [EVIL] * 30})], 80)
    assert all(len(line) <= 80 and line.isprintable() for line in lines)
    cli.answers("GET alert-rules/gpu-hot", a_rule())
    assert cli("alert", "rule", "show", "gpu-hot").out.startswith("name: gpu-hot\nmetric: gpu_temp")
    assert json.loads(cli("alert", "rule", "show", "gpu-hot", "--json").out)["origin"] == "shipped"


def test_rules_are_deleted(cli: Cli) -> None:
    cli.answers("DELETE alert-rules/mine", Reply(status=204))
    assert cli("alert", "rule", "delete", "mine").out == "mine is removed\n"
    assert json.loads(cli("alert", "rule", "delete", "mine", "--json").out) == {"removed": ["mine"]}
    cli.answers(
        "DELETE alert-rules/gpu-hot", problem(409, "rule gpu-hot comes with Sentinel", "switch it off")
    )
    done = cli("alert", "rule", "delete", "gpu-hot")
    assert (done.status, "switch it off" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "text"), [(120, "2m"), (129600, "36h"), (86400, "1d"), (61, "61s"), (0, "0s"), (0.25, 0.25)]
)
def test_durations(seconds: float, text: Any) -> None:
    assert duration_text(seconds) == text


def test_a_condition_in_a_line() -> None:
    assert condition(rule_json(RULE)) == "gpu_temperature_celsius > 88 for 2m"
    assert condition(rule_json(FULL)) == "a_bytes in % of b_bytes > 0.5 for 90s, node=gpu01|gpu02"
