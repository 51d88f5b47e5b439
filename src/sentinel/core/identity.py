"""Who may do what: users, tokens, roles, and the one table of permissions. Used by the API and the store.

Secrets are never in these objects: a token is kept as its SHA-256, a password as its argon2 hash.
"""

from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.job import DEFAULT_TENANT


class Role(StrEnum):
    """Each may do all that the one before it may, but SYSTEM, which is for nodes alone."""

    VIEWER = "viewer"
    MEMBER = "member"
    OPERATOR = "operator"
    ADMIN = "admin"
    SYSTEM = "system"


class Action(StrEnum):
    """What can be asked of the API. What is read is a tenant's own; OWN needs the owner, ANY does not."""

    READ = "read"  # nodes, gpus, workloads, jobs, leases, events
    SUBMIT = "submit"
    CONTROL_OWN = "control-own"  # cancel, retry; logs, environment, attach
    CONTROL_ANY = "control-any"  # the same of others' jobs, but for environment and attach
    OPERATE = "operate"  # drain, resume, declare dead; accounts and reservations
    TOKENS_OWN = "tokens-own"
    ADMINISTER = "administer"  # users and their groups, everybody's tokens, join tokens, removal of nodes
    BE_A_NODE = "be-a-node"  # join's other side: beats, desired state, reports


_READER = frozenset({Action.READ, Action.TOKENS_OWN})
_MEMBER = _READER | {Action.SUBMIT, Action.CONTROL_OWN}
_OPERATOR = _MEMBER | {Action.CONTROL_ANY, Action.OPERATE}

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _READER,
    Role.MEMBER: _MEMBER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _OPERATOR | {Action.ADMINISTER},
    Role.SYSTEM: frozenset({Action.BE_A_NODE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`password_hash` None: cannot log in by password. `group`: whose account their jobs count for, too."""

    name: str
    role: Role
    created_at: float
    tenant: str = DEFAULT_TENANT
    password_hash: str | None = None
    disabled: bool = False
    group: str | None = None


class TokenKind(StrEnum):
    """What a token opens."""

    API = "api"
    SESSION = "session"  # by password; expires soon
    JOIN = "join"  # lets a machine become a node, nothing else
    CODE = "code"  # begins one session, within a minute; `label` is the id of the token that it was made with


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`expires_at` None: never. A token never may more than its owner's role at the time of use."""

    id: str
    kind: TokenKind
    owner: str  # a user's name
    secret_sha256: str
    created_at: float
    tenant: str = DEFAULT_TENANT
    label: str = ""
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None  # written now and then


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is asking, once that is established. A node's `name` is its node's id, its role SYSTEM."""

    name: str
    role: Role
    tenant: str = DEFAULT_TENANT
    token: str | None = None  # the id of the token it came with
    group: str | None = None

    def may(self, action: Action) -> bool:
        """Whether the table allows it."""
        return action in PERMISSIONS[self.role]
