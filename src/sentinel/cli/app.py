"""The Typer application: a table of commands, of which only the one that is run gets imported.

Called by `main`. `sentinel --help` imports none, so it stays quick however many there will be. This uses
Typer's public interface alone: what it is built on has changed under it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command

from sentinel import __version__
from sentinel.cli.grouped_help import GroupedCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command: the module whose function `command` it is. `takes_command`: what follows its options is a
    command line of somebody else's, options included."""

    module: str
    help: str
    takes_command: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Commands about one thing: `sentinel job list`."""

    help: str
    commands: "Mapping[str, Entry | Group]"


def _local(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.local.{module}", help=help)


def _job(module: str, help: str, *, takes_command: bool = False) -> Entry:
    return Entry(module=f"sentinel.cli.jobs.{module}", help=help, takes_command=takes_command)


def _node(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.nodes.{module}", help=help)


def _people(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.people.{module}", help=help)


def _account(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.accounts.{module}", help=help)


def _alert(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.alerts.{module}", help=help)


def _past(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.history.{module}", help=help)


def _server(module: str, help: str) -> Entry:
    return Entry(module=f"sentinel.cli.server.{module}", help=help)


JOB = Group(
    help="Submit jobs to the queue, look at them, end them.",
    commands={
        "submit": _job("submit", "Queue a command, and print the job's id.", takes_command=True),
        "list": _job("list_jobs", "Show the jobs that wait and run."),
        "show": _job("show", "Show one job."),
        "logs": _job("logs", "Print what a job wrote."),
        "cancel": _job("cancel", "End jobs."),
        "why": _job("why", "Say why a job waits."),
        "retry": _job("retry", "Queue a job that has ended once more."),
        "top": _job("top", "Watch the queue live."),
        "wait": _job("wait", "Wait until jobs have ended."),
        "attach": _job("attach", "Get at the terminal of a job that has one."),
        "events": _job("events", "Show what happened to a job."),
    },
)

NODE = Group(
    help="Look at the machines of the queue; take them out and back in.",
    commands={
        "list": _node("list_nodes", "Show the nodes, their GPUs and what runs there."),
        "show": _node("show", "Show one node, GPU by GPU."),
        "drain": _node("drain", "Let what runs there go on, and send no more."),
        "resume": _node("resume", "Send jobs there again."),
        "declare-dead": _node("declare_dead", "Say that nothing runs there any more."),
        "remove": _node("remove", "Forget a node."),
    },
)

USER = Group(
    help="Who may use the queue, and as what.",
    commands={
        "list": _people("user_list", "Show the users."),
        "add": _people("user_add", "Add a user."),
        "set": _people("user_set", "Change a user's role, group or password, or shut them out."),
        "remove": _people("user_remove", "Remove a user."),
    },
)

QUOTA = Group(
    help="How much of the GPUs users and groups may have.",
    commands={
        "list": _account("quota_list", "Show what they may have."),
        "set": _account("quota_set", "Set what a user or a group may have."),
        "remove": _account("quota_remove", "Lift the limits of a user or a group."),
    },
)

RESERVATION = Group(
    help="Times for which nodes are kept: for somebody, or for maintenance.",
    commands={
        "list": _account("reservation_list", "Show for when and for whom nodes are kept."),
        "add": _account("reservation_add", "Keep nodes for somebody, or for maintenance."),
        "remove": _account("reservation_remove", "End a reservation, or take it back."),
    },
)

TOKEN = Group(
    help="Tokens for programs, and for machines that join.",
    commands={
        "list": _people("token_list", "Show the tokens, without their secrets."),
        "create": _people("token_create", "Make a token; its secret is shown once."),
        "revoke": _people("token_revoke", "End a token."),
    },
)

QUEUE = Group(
    help="The queue as a whole.",
    commands={"resume": _server("queue_resume", "Let jobs start again after a restore.")},
)

SIMULATE = Group(
    help="Try schedulers out on traces of real clusters.",
    commands={
        "openb": _local("simulate.openb", "Shared GPUs: how full each policy gets Alibaba's cluster."),
        "trace": _local("simulate.trace", "Replay jobs that were run on a cluster that you describe."),
    },
)

ALERT = Group(
    help="What is wrong, who is told of it, and by which rules.",
    commands={
        "list": _alert("list_alerts", "Show the alerts that stand."),
        "show": _alert("show", "Show one alert: since when, why, who was told."),
        "ack": _alert("ack", "Say that you have seen it: no reminders."),
        "rule": Group(
            help="Rules: what is watched, and when that is an alert.",
            commands={
                "list": _alert("rule_list", "Show the rules, shipped ones included."),
                "show": _alert("rule_show", "Show a rule as a file to edit."),
                "apply": _alert("rule_apply", "Write rules from a file."),
                "preview": _alert("rule_preview", "Say what a rule would have done in the past."),
                "delete": _alert("rule_delete", "Remove a rule; a shipped one is as it was shipped again."),
            },
        ),
        "silence": Group(
            help="Silences: times in which nobody is told.",
            commands={
                "list": _alert("silence_list", "Show the silences."),
                "add": _alert("silence_add", "Tell nobody of some alerts for a while."),
                "end": _alert("silence_end", "End a silence now."),
            },
        ),
        "channel": Group(
            help="Channels: where it is told.",
            commands={
                "list": _alert("channel_list", "Show the channels, and how they fare."),
                "add": _alert("channel_add", "Add or replace a channel."),
                "test": _alert("channel_test", "Send a test message."),
                "remove": _alert("channel_remove", "Remove a channel."),
            },
        ),
        "route": Group(
            help="Routes: who is told of what, and how often.",
            commands={
                "list": _alert("route_list", "Show the routes, in the order in which they are tried."),
                "apply": _alert("route_apply", "Write all routes, and inhibitions, from a file."),
            },
        ),
        "deliveries": _alert("deliveries", "Show what was sent, what waits, and what failed."),
    },
)

HISTORY = Group(
    help="What was measured, over time.",
    commands={
        "query": _past("query", "Show a metric over time: of nodes, GPUs, users, jobs."),
        "metrics": _past("metrics", "Show which metrics there are."),
        "export": _past("export", "Write a metric over time into a CSV or Parquet file."),
    },
)

REPORT = Group(
    help="Reports over days and months.",
    commands={"usage": _past("report_usage", "Who held the GPUs, how long, and how much of it idle.")},
)

DEV = Group(
    help="For trying Sentinel out, and for tests.",
    commands={"seed": _past("seed", "Fill a controller with simulated nodes and a past.")},
)

COMMANDS: Mapping[str, Entry | Group] = {
    "run": _job("run", "Run a command through the queue, as if it ran here.", takes_command=True),
    "job": JOB,
    "why": _job("why", "Say why a job waits, and when it may begin."),
    "node": NODE,
    "user": USER,
    "token": TOKEN,
    "quota": QUOTA,
    "usage": _account("usage", "Show who has and had how much of the GPUs."),
    "reservation": RESERVATION,
    "alert": ALERT,
    "history": HISTORY,
    "report": REPORT,
    "login": _people("login", "Log in to a controller, and remember it."),
    "dashboard": _people("dashboard", "Print an address that signs you in to the dashboard, once."),
    "whoami": _people("whoami", "Say as whom, and to which controller, you speak."),
    "up": _server("up", "Start a controller and an agent on this machine."),
    "down": _server("down", "End all of that, jobs included."),
    "server": _server("server", "Start a controller alone."),
    "queue": QUEUE,
    "backup": _server("backup", "Copy the controller's data into a file."),
    "restore": _server("restore", "Put such a copy back."),
    "agent": _local("agent", "Watch this node; join it to a controller."),
    "gpus": _local("gpus", "Show the GPUs of this machine and the processes on them."),
    "scan": _local("scan", "Look once at what runs on the GPUs, into the inventory."),
    "workloads": _local("workloads.command", "Show what runs here: whose it is, on which GPUs."),
    "events": _local("events.command", "Show what came, went, lay idle and resumed."),
    "top": _local("top.command", "Watch the GPUs and their processes live, with owners."),
    "gpu": _local("health.gpu_check", "Check a GPU that was taken out, and let it come back."),
    "health": _local("health.command", "Show what is wrong with the GPUs, and what to do about it."),
    "slurm-exporter": _local("slurm_exporter.command", "Serve the metrics of a Slurm cluster."),
    "simulate": SIMULATE,
    "dev": DEV,
}


def run(arguments: Sequence[str]) -> int:
    """Runs the command that `arguments` name; its exit status. What it raises goes through."""
    words = [word for word in arguments if not word.startswith("-")][:3]
    app = _group("Who has the GPU, why, and what is wrong.")
    app.callback()(_sentinel)
    _fill(app, COMMANDS, words)
    try:
        get_command(app)(args=list(arguments), prog_name="sentinel")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _fill(app: typer.Typer, entries: Mapping[str, Entry | Group], words: Sequence[str]) -> None:
    chosen, rest = words[0] if words else None, words[1:]
    for name, entry in entries.items():
        # What is run has more to say in its help than its line in the list.
        if name != chosen:
            app.command(name, help=entry.help)(_unused)
        elif isinstance(entry, Group):
            inside = _group(entry.help)
            inside.callback()(_nothing)
            _fill(inside, entry.commands, rest)
            app.add_typer(inside, name=name)
        else:
            settings = {"allow_interspersed_args": not entry.takes_command}
            app.command(name, cls=GroupedCommand, context_settings=settings)(_function(entry))


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        name="sentinel",
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def _function(entry: Entry) -> Callable[..., None]:
    return import_module(entry.module).command


def _unused() -> None:
    """Stands for a command that is only listed."""


def _nothing() -> None:
    """Makes a group of one that has a single command."""


def _print_version(asked: bool) -> None:
    if asked:
        print(f"sentinel {__version__}")
        raise typer.Exit


def _sentinel(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The options before the command."""
