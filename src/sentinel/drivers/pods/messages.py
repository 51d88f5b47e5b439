"""The messages of the kubelet's pod-resources API. `pod_resources` reads answers with them, tests write them.

Protocol Buffers, as of Kubernetes' podresources/v1/api.proto; v1alpha1 has the fields marked *.

    ListPodResourcesResponse   pod_resources 1*
    PodResources               name 1*  namespace 2*  containers 3*
    ContainerResources         name 1*  devices 2*  (cpu_ids 3  memory 4)  dynamic_resources 5
    ContainerDevices           resource_name 1*  device_ids 2*  (topology 3)
    DynamicResource            (class_name 1)  claim_name 2  claim_namespace 3  claim_resources 4
    ClaimResource              cdi_devices 1  driver_name 2  (pool_name 3)  device_name 4
    CDIDevice                  name 1

What stands in brackets is not read. The messages are described to the protobuf library when they are first
needed, in a pool of our own: so there is no generated code to keep in step with the library's version, and
no clash with other code that knows messages of these names. The library does the parsing because it has
been attacked more than a parser of ours would be.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from sentinel.core.errors import SourceUnknown

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""A node runs some hundred pods of some hundred bytes each; what is more is no such answer."""

INSTALL = "pip install 'sentinel-gpu[kubernetes]'"

_PACKAGE = "v1"
_STRING = "string"
_SCHEMA: dict[str, tuple[tuple[str, int, str, bool], ...]] = {  # name, number, type, repeated
    "ListPodResourcesResponse": (("pod_resources", 1, "PodResources", True),),
    "PodResources": (
        ("name", 1, _STRING, False),
        ("namespace", 2, _STRING, False),
        ("containers", 3, "ContainerResources", True),
    ),
    "ContainerResources": (
        ("name", 1, _STRING, False),
        ("devices", 2, "ContainerDevices", True),
        ("dynamic_resources", 5, "DynamicResource", True),
    ),
    "ContainerDevices": (("resource_name", 1, _STRING, False), ("device_ids", 2, _STRING, True)),
    "DynamicResource": (
        ("claim_name", 2, _STRING, False),
        ("claim_namespace", 3, _STRING, False),
        ("claim_resources", 4, "ClaimResource", True),
    ),
    "ClaimResource": (
        ("cdi_devices", 1, "CDIDevice", True),
        ("driver_name", 2, _STRING, False),
        ("device_name", 4, _STRING, False),
    ),
    "CDIDevice": (("name", 1, _STRING, False),),
}


class CdiDevice(Protocol):
    name: str


class ClaimResource(Protocol):
    cdi_devices: Sequence[CdiDevice]
    driver_name: str
    device_name: str


class Claim(Protocol):
    claim_name: str
    claim_namespace: str
    claim_resources: Sequence[ClaimResource]


class Devices(Protocol):
    resource_name: str
    device_ids: Sequence[str]


class Container(Protocol):
    name: str
    devices: Sequence[Devices]
    dynamic_resources: Sequence[Claim]


class Pod(Protocol):
    name: str
    namespace: str
    containers: Sequence[Container]


class Answer(Protocol):
    """A ListPodResourcesResponse. What is not set is empty."""

    pod_resources: Sequence[Pod]


def decode(data: bytes) -> Answer:
    """An answer to List. Raises SourceUnknown for bytes that are none, and without the protobuf library."""
    try:
        from google.protobuf.message import DecodeError

        kind = message_class("ListPodResourcesResponse")
    except ImportError as error:
        raise SourceUnknown(
            f"the kubelet's answers cannot be read: the protobuf library is missing; {INSTALL}"
        ) from error
    try:
        return cast("Answer", kind.FromString(data))
    except DecodeError as error:
        raise SourceUnknown(
            f"the kubelet's pod-resources answer ({len(data)} bytes) cannot be read: it is no "
            "ListPodResourcesResponse; is it the kubelet that listens on that socket?"
        ) from error


def message_class(name: str) -> "type[Message]":
    """The class of the message called `name` above. Raises ImportError without the protobuf library."""
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> "DescriptorPool":
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    pool.Add(_file())
    return pool


def _file() -> "FileDescriptorProto":
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

    file = FileDescriptorProto(name="podresources.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = described.field.add(name=name, number=number)
            field.label = (
                FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            )
            if kind == _STRING:
                field.type = FieldDescriptorProto.TYPE_STRING
            else:
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    return file
