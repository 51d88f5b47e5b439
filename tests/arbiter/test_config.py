"""The config file: every key's good and bad value, and a mistake named by file, line and key."""

from pathlib import Path

import pytest

from sentinel.arbiter.config import SYSTEM_PROCESSES, Config, load, parse
from sentinel.core.errors import ConfigError
from sentinel.core.service import Rung

UNIT = '[[service]]\nname = "chat"\ndriver = "systemd"\nunit = "ollama.service"\n'
PROCESS = '[[service]]\nname = "chat"\ndriver = "process"\ncommand = ["serve", "--port", "1"]\n'


def value(config: Config, dotted: str) -> object:
    found: object = config
    for part in dotted.split("."):
        found = found[int(part)] if isinstance(found, tuple) else getattr(found, part)
    return found


def test_an_empty_file_is_a_config_of_defaults() -> None:
    config = parse("")
    assert config.gpus == "auto"
    assert (config.settings.resume_delay, config.settings.grant_timeout) == (5.0, 60.0)
    assert config.settings.grant_when_unknown is False
    assert config.settings.watchdog is True
    assert config.services == ()
    assert config.web.enabled is False
    assert config.web.listen.startswith("127.0.0.1:")


GOOD = [
    ("arbiter", 'gpus = "simulated:2"', "gpus", "simulated:2"),
    ("arbiter", 'gpus = "smi"', "gpus", "smi"),
    ("arbiter", "resume_delay = 0", "settings.resume_delay", 0.0),
    ("arbiter", 'resume_delay = "2m"', "settings.resume_delay", 120.0),
    ("arbiter", 'state_file = "/x/s.json"', "state_file", "/x/s.json"),
    ("arbiter", "grant_timeout = 1.5", "settings.grant_timeout", 1.5),
    ("arbiter", "grant_when_unknown = true", "settings.grant_when_unknown", True),
    ("arbiter", 'poll_interval = "500ms"', "poll_interval", 0.5),
    ("arbiter", "read_timeout = 3", "read_timeout", 3.0),
    ("arbiter", 'admin_group = "gpu-admins"', "admin_group", "gpu-admins"),
    ("arbiter", "evict_grace = 30", "settings.evict_grace", 30.0),
    ("watchdog", "enabled = false", "settings.watchdog", False),
    ("watchdog", "grace = 2.5", "settings.watchdog_grace", 2.5),
    ("watchdog", 'ignore = ["my-monitor"]', "ignore", frozenset((*SYSTEM_PROCESSES, "my-monitor"))),
    ("watchdog", "ignore = []", "ignore", frozenset(SYSTEM_PROCESSES)),
    ("web", "enabled = true", "web.enabled", True),
    ("web", 'listen = "0.0.0.0:80"', "web.listen", "0.0.0.0:80"),
    ("web", 'user = "www-data"', "web.user", "www-data"),
]


@pytest.mark.parametrize(("table", "line", "where", "want"), GOOD, ids=[g[1] for g in GOOD])
def test_each_key_of_the_tables(table: str, line: str, where: str, want: object) -> None:
    assert value(parse(f"[{table}]\n{line}\n"), where) == want


GOOD_SERVICE = [
    ('gpus = [0, "GPU-ab"]', "settings.gpus", ("0", "GPU-ab")),
    ('evict = ["stop"]', "settings.ladder", (Rung.STOP,)),
    ('settle = "1s"', "settings.settle_seconds", 1.0),
    ('may_keep = "600MiB"', "settings.may_keep_bytes", 600 * 2**20),
    ("stop_timeout = 3", "stop_timeout", 3.0),
    ("start_timeout = 90", "start_timeout", 90.0),
    ('user = "ollama"', "user", "ollama"),
    ('cwd = "/srv"', "cwd", "/srv"),
    ('log = "/var/log/chat.log"', "log", "/var/log/chat.log"),
    ('env = { HF_HOME = "/models" }', "env", {"HF_HOME": "/models"}),
    ('cgroups = ["/docker/*"]', "cgroups", ("/docker/*",)),
    ('simulated_memory = "20GiB"', "simulated_memory", 20 * 2**30),
    ("simulated_memory = 4096", "simulated_memory", 4096),
]


@pytest.mark.parametrize(("line", "where", "want"), GOOD_SERVICE, ids=[g[0] for g in GOOD_SERVICE])
def test_each_key_of_a_service(line: str, where: str, want: object) -> None:
    assert value(parse(PROCESS + line + "\n"), f"services.0.{where}") == want


def test_a_plain_process_is_run_by_the_arbiter_and_a_unit_is_not() -> None:
    process, unit = parse(PROCESS + UNIT.replace('"chat"', '"other"')).services
    assert (process.command, process.settings.supervised) == (("serve", "--port", "1"), True)
    assert (unit.unit, unit.settings.supervised) == ("ollama.service", False)


# (text, line, key, what is said)
BAD = [
    ("[arbiter]\n\nresume_delay = -1", 3, "arbiter.resume_delay", "number of seconds"),
    ("[arbiter]\nresume_delay = nan", 2, "arbiter.resume_delay", "number of seconds"),
    ("[arbiter]\nresume_delay = true", 2, "arbiter.resume_delay", "number of seconds"),
    ('[arbiter]\nresume_delay = "soon"', 2, "arbiter.resume_delay", "write it like 30s"),
    ("[arbiter]\ngrant_timeout = []", 2, "arbiter.grant_timeout", "number of seconds"),
    ("[arbiter]\ngrant_when_unknown = 1", 2, "arbiter.grant_when_unknown", "true or false"),
    ("[arbiter]\npoll_interval = 0", 2, "arbiter.poll_interval", "at least 0.05"),
    ("[arbiter]\nread_timeout = 0.001", 2, "arbiter.read_timeout", "at least 0.05"),
    ("[arbiter]\ngpus = 2", 2, "arbiter.gpus", "text in quotes"),
    ('[arbiter]\ngpus = "nvidia"', 2, "arbiter.gpus", "auto, nvml, smi, simulated:N"),
    ('[arbiter]\ngpus = "simulated:x"', 2, "arbiter.gpus", "simulated:2"),
    ('[arbiter]\nstate_file = "s.json"', 2, "arbiter.state_file", "absolute path"),
    ('[arbiter]\nadmin_group = ["a"]', 2, "arbiter.admin_group", "text in quotes"),
    ('[arbiter]\nevict_grace = "x"', 2, "arbiter.evict_grace", "write it like"),
    ('[arbiter]\nuser = "a"', 2, "arbiter.user", "unknown key"),
    ("[arbiter]\nresume-delay = 1", 2, "arbiter.resume-delay", "did you mean 'resume_delay'?"),
    ("[arbiter]\nzzz = 1", 2, "arbiter.zzz", "known here: admin_group"),
    ("arbiter = 3", 1, "arbiter", r"is a table, written \[arbiter\]"),
    ("# c\n[arbitre]\n", 2, "arbitre", "did you mean 'arbiter'?"),
    ("[[servce]]\n", 1, "servce", "did you mean 'service'?"),
    ("[watchdog]\nenabled = 'yes'", 2, "watchdog.enabled", "true or false"),
    ("[watchdog]\ngrace = '1 fortnight'", 2, "watchdog.grace", "write it like"),
    ("[watchdog]\nignore = 'Xorg'", 2, "watchdog.ignore", "list of texts"),
    ("[watchdog]\nignore = [1]", 2, "watchdog.ignore", "list of texts"),
    ('[web]\nlisten = "8450"', 2, "web.listen", "127.0.0.1:8450"),
    ('[web]\nlisten = "a:99999"', 2, "web.listen", "no address"),
    ("[service]\nname = 'x'", 1, "service", r"written \[\[service\]\]"),
    (UNIT + "gpus = 0", 5, "service.gpus", "list of indices or UUIDs"),
    (UNIT + "gpus = [-1]", 5, "service.gpus", "list of indices or UUIDs"),
    (UNIT + "gpus = [true]", 5, "service.gpus", "list of indices or UUIDs"),
    (UNIT + 'evict = ["fly"]', 5, "service.evict", "it can: .*stop"),
    (UNIT + "evict = []", 5, "service.evict", "at least one rung"),
    (UNIT + 'evict = "stop"', 5, "service.evict", "list of texts"),
    (UNIT + 'may_keep = "lots"', 5, "service.may_keep", "write it like 20GiB"),
    (UNIT + "may_keep = -5", 5, "service.may_keep", "is a size"),
    (UNIT + "simulated_memory = 1.5", 5, "service.simulated_memory", "is a size"),
    (UNIT + 'env = ["A=1"]', 5, "service.env", "table of texts"),
    (UNIT + "env = { A = 1 }", 5, "service.env", "table of texts"),
    (UNIT + 'cwd = "models"', 5, "service.cwd", "absolute path"),
    (UNIT + 'log = "chat.log"', 5, "service.log", "absolute path"),
    (UNIT + "user = 5", 5, "service.user", "text in quotes"),
    (UNIT + 'user = "a\\u0000b"', 5, "service.user", "text in quotes"),
    (UNIT + "stop_timeout = -1", 5, "service.stop_timeout", "number of seconds"),
    (UNIT + "start_timeout = {}", 5, "service.start_timeout", "number of seconds"),
    (UNIT + "cgroups = {}", 5, "service.cgroups", "list of texts"),
    (UNIT + "comand = ['x']", 5, "service.comand", "did you mean 'command'?"),
    ("[[service]]\ndriver = 'process'", 1, "service.name", "is missing"),
    ("[[service]]\nname = ''", 2, "service.name", "is no name"),
    ("[[service]]\nname = 'a b'", 2, "service.name", "is no name"),
    ("[[service]]\nname = 'a'\ndriver = 'docker'", 3, "service.driver", "there are: systemd, process"),
    ("[[service]]\nname = 'a'\ndriver = 'process'", 1, "service.command", "is missing"),
    ("[[service]]\nname = 'a'", 1, "service.unit", "is missing"),
    (UNIT.replace("ollama.service", "ollama"), 4, "service.unit", "like ollama.service"),
    (UNIT.replace("ollama.service", "-x.service"), 4, "service.unit", "like ollama.service"),
    (PROCESS.replace('["serve", "--port", "1"]', '"serve"'), 4, "service.command", "list of texts"),
    (PROCESS + "\n" + UNIT + "bad = 1", 10, "service.bad", "unknown key"),
    (PROCESS + UNIT, 6, "service.name", "two services have the name 'chat'"),
    (UNIT + UNIT.replace('"chat"', '"b"'), 8, "service.unit", "two services have the unit"),
]


@pytest.mark.parametrize(("text", "line", "key", "said"), BAD, ids=[f"{b[2]}: {b[3]}" for b in BAD])
def test_a_mistake_is_named_by_file_line_and_key(text: str, line: int, key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse(text + "\n", "/etc/c.toml")
    assert (caught.value.line, caught.value.key) == (line, key)
    assert caught.value.message.startswith(f"/etc/c.toml:{line}: {key}: ")


@pytest.mark.parametrize(
    ("text", "line"), [("a = ", 1), ("[arbiter]\ngpus = auto\n", 2), ("x = 1\nx = 2\n", 2), ("\n[a", 2)]
)
def test_what_is_no_toml_says_where(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match="not TOML") as caught:
        parse(text, "/etc/c.toml")
    assert caught.value.line == line


def test_a_key_inside_a_string_or_another_table_is_not_taken_for_the_line() -> None:
    text = PROCESS + "[watchdog]\ngrace = 1\n[arbiter]\n# resume_delay = 4\nresume_delay = -4\n"
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.line == 9


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot read it: No such file"):
        load(str(tmp_path / "no.toml"))
    with pytest.raises(ConfigError, match="Is a directory"):
        load(str(tmp_path))
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(str(tmp_path / "latin.toml"))


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(UNIT)
    config = load(str(tmp_path / "c.toml"))
    assert config.file == str(tmp_path / "c.toml")
    assert [s.settings.name for s in config.services] == ["chat"]
