"""Where Podman's Docker-compatible API (seen with 4.3) is not Docker's. Read by `docker_json` and `docker`.

- Its socket is elsewhere, and is there only while `podman.socket` or `podman system service` is.
- It has words of its own for some states: STATES.
- `HostConfig.Runtime` is always "oci", which says nothing; what really runs it is `OCIRuntime`, where given.
- `HostConfig.DeviceRequests` is null whatever was asked: a GPU given by CDI shows in no field but `Devices`.
- It says "remove" for Docker's event "destroy", and "cleanup" after "die".
"""

from sentinel.core.container import ContainerState

HOST = "unix:///run/podman/podman.sock"

STATES = {
    "configured": ContainerState.CREATED,
    "initialized": ContainerState.CREATED,
    "stopping": ContainerState.RUNNING,
    "stopped": ContainerState.EXITED,
}

RUNTIME_THAT_SAYS_NOTHING = "oci"
