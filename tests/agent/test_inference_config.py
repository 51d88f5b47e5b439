"""`[inference]` of the config file."""

import pytest

from sentinel.agent.inference_config import InferenceConfig, InferenceServer, inference_config
from sentinel.core.config_file import parse
from sentinel.core.errors import ConfigError
from sentinel.telemetry.scrape.families import Family


def read(text: str) -> InferenceConfig:
    return inference_config(parse(text, "c.toml"))


def test_without_a_section_what_is_seen_is_asked() -> None:
    assert read("") == InferenceConfig(scrape=True, every=10.0, servers=())


def test_all_of_it() -> None:
    found = read(
        """
        [inference]
        scrape = false
        every = "30s"
        [[inference.server]]
        name = "chat"
        url = "http://127.0.0.1:8000/"
        model = "llama-3"
        [[inference.server]]
        name = "app"
        url = "https://gpu.example.org/a/prometheus"
        token_file = "/etc/token"
        ca_file = "/etc/ca.pem"
        latency = "app_ms"
        latency_unit = "ms"
        running = "app:now"
        """
    )
    assert (found.scrape, found.every) == (False, 30.0)
    chat, app = found.servers
    assert chat == InferenceServer(name="chat", url="http://127.0.0.1:8000", model="llama-3")
    assert app == InferenceServer(
        name="app",
        url="https://gpu.example.org/a/prometheus",
        token_file="/etc/token",
        ca_file="/etc/ca.pem",
        family=Family(latency="app_ms", unit=1000.0, running="app:now"),
    )
    assert (chat.port_here, app.port_here) == (8000, None)
    assert InferenceServer(name="x", url="http://localhost").port_here == 80
    assert InferenceServer(name="x", url="https://[::1]").port_here == 443


SERVER = '[[inference.server]]\nname = "a"\nurl = "http://h"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[inference]\nscrap = true", "did you mean 'scrape'"),
        ("[inference]\nscrape = 1", "true or false"),
        ("[inference]\nevery = 0.5", "1 second to 1 hour"),
        ("[inference]\nserver = 3", "list of tables"),
        ('[[inference.server]]\nname = "a"', "url: is missing"),
        ('[[inference.server]]\nurl = "http://h"', "name: is missing"),
        ('[[inference.server]]\nname = "a b"\nurl = "http://h"', "is no name"),
        (SERVER + SERVER, "another one named a"),
        (SERVER + 'kind = "x"', "unknown key"),
        (SERVER + 'latency = "a-b"', "no name of a metric"),
        (SERVER + 'latency = ""', "no name of a metric"),
        (SERVER + 'latency_unit = "us"', 'is "s" or "ms"'),
        (SERVER + 'token_file = "token"', "absolute path"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"c\.toml") as refused:
        read(text)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "url",
    ["h:80", "ftp://h", "http://", "http://h:x", "http://h:0", "http://h/?a=b", "http://h/#a", "http://[::1"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="is no address"):
        read(f'[[inference.server]]\nname = "a"\nurl = "{url}"')


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="password") as refused:
        read('[[inference.server]]\nname = "a"\nurl = "http://ann:hunter2@h"')
    assert "hunter2" not in refused.value.message


def test_servers_are_bounded() -> None:
    rows = "".join(f'[[inference.server]]\nname = "a{n}"\nurl = "http://h"\n' for n in range(33))
    with pytest.raises(ConfigError, match="at most 32"):
        read(rows)
