"""A container engine's command line for tests: enough of Docker's words, and faults that a real one has not.

A "container" is a process in a session of its own that somebody else than the command line waits for. The
engine lives in one folder: `down` in it makes every call fail, `fail-create` is what `create` complains with,
`slow-create` its seconds, `calls` has every argument list, and NAME/ each container.
"""

import sys
from pathlib import Path

SCRIPT = r"""
import json, os, signal, sys, time
home, (call, *rest) = sys.argv[1], sys.argv[2:]
path = lambda *parts: os.path.join(home, *parts)
with open(path("calls"), "a") as file:
    file.write(json.dumps(sys.argv[2:]) + "\n")
def fail(text, code=1):
    print(text, file=sys.stderr, flush=True)
    os._exit(code)
def read(*parts):
    with open(path(*parts)) as file:
        return file.read()
def write(text, *parts):
    with open(path(*parts) + ".new", "w") as file:
        file.write(text)
    os.rename(path(*parts) + ".new", path(*parts))
def state():
    name = rest[-1]
    if not os.path.isdir(path(name)):
        fail(f"Error response from daemon: No such container: {name}")
    return name, json.loads(read(name, "state"))
if os.path.exists(path("down")):
    fail("Cannot connect to the Docker daemon at unix:///fake. Is the docker daemon running?")
if call == "info":
    print(json.dumps({"ServerVersion": "1", "CDISpecDirs": None}))
elif call == "create":
    if os.path.exists(path("slow-create")):
        time.sleep(float(read("slow-create")))
    if os.path.exists(path("fail-create")):
        fail(read("fail-create"))
    end = rest.index("--")
    found = dict(word.split("=", 1) for word in rest[:end] if word.startswith("--") and "=" in word)
    name = rest[rest.index("--name") + 1]
    os.mkdir(path(name))
    labels = dict(line.split("=", 1) for line in open(found["--label-file"]).read().splitlines())
    variables = dict(line.split("=", 1) for line in open(found["--env-file"]).read().splitlines())
    write(json.dumps({"command": rest[end + 2:], "labels": labels, "environment": variables,
                      "cwd": found["--workdir"]}), name, "what")
    write(json.dumps({"Status": "created", "ExitCode": 0}), name, "state")
elif call == "start":
    name, _ = state()
    what = json.loads(read(name, "what"))
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        for key in [key for key in os.environ if key.startswith("SENTINEL")]:
            del os.environ[key]
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(writing, 1); os.dup2(writing, 2); os.close(reading)
            os.chdir(what["cwd"])
            os.execvpe(what["command"][0], what["command"], {"PATH": "/usr/bin:/bin", **what["environment"]})
        os.close(reading); os.close(writing)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        write(json.dumps({"Status": "running", "ExitCode": 0, "Pid": pid}), name, "state")
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if os.path.isdir(path(name)):
            code = code if code >= 0 else 128 - code
            write(json.dumps({"Status": "exited", "ExitCode": code}), name, "state")
        os._exit(0)
    os.close(writing)
    while data := os.read(reading, 65536):
        os.write(1, data)
elif call == "attach":
    name, found = state()
    while found["Status"] == "running":
        time.sleep(0.02)
        name, found = state()
elif call == "container":
    name, found = state()
    print(json.dumps([found, json.loads(read(name, "what"))["labels"]]))
elif call == "kill":
    name, found = state()
    if found["Status"] != "running":
        fail(f"Error response from daemon: Cannot kill container: {name}: is not running")
    os.kill(found["Pid"], getattr(signal, rest[1]))
elif call == "rm":
    name, found = state()
    if found["Status"] == "running":
        os.kill(found["Pid"], 9)
    import shutil
    shutil.rmtree(path(name))
else:
    fail(f"unknown: {call}")
"""


def install(folder: Path) -> Path:
    """Its command line. `folder` is made."""
    folder.mkdir()
    (folder / "engine.py").write_text(SCRIPT)
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {folder}/engine.py {folder} "$@"\n')
    program.chmod(0o755)
    return program
