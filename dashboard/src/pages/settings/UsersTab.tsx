// Who may log in, and as what. For admins. Used by page settings.
import { ActionIcon, Button } from "@mantine/core";
import { useMemo, useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/menu/Menu";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { StatusMark } from "../../components/StatusBadge";
import { type Column, DataTable } from "../../components/table/DataTable";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import type { Account } from "../../data/had";
import { useMe } from "../../data/me";
import type { User } from "../../data/person";
import { AddUser } from "./AddUser";
import { ChangeUser } from "./ChangeUser";
import { DisableUser, RemoveUser } from "./EndUser";
import { groupsOf, isLastAdmin } from "./people";
import { useUsers } from "./people-store";
import css from "./settings.module.css";
import { UserPassword } from "./UserPassword";
import { QuotaDialog } from "../usage/QuotaDialog";
import { sentenceOf } from "../usage/shares";
import { useAccounts } from "../usage/standings-store";

type Act = "change" | "quota" | "password" | "disable" | "remove";
type Doing = { act: "add" } | { act: Act; user: User } | null;

export function UsersTab() {
  const me = useMe();
  const found = useUsers();
  const accounts = useAccounts();
  const [doing, setDoing] = useState<Doing>(null);
  const users = found.data;
  const columns = useMemo(
    () => columnsOf(users ?? [], accounts.data, me.user, (act, user) => setDoing({ act, user })),
    [users, accounts.data, me.user],
  );
  const groups = useMemo(() => groupsOf(users ?? []), [users]);
  const close = () => setDoing(null);
  return (
    <Panel flush>
      {found.error !== null && <Refusal error={found.error} again={() => void found.refetch()} />}
      <DataTable
        name="users"
        what="users"
        columns={columns}
        rows={users}
        rowKey={({ name }) => name}
        order="name"
        onOpen={(user) => setDoing({ act: "change", user })}
        filters={
          <Button size="xs" leftSection={<Icon name="plus" />} onClick={() => setDoing({ act: "add" })}>
            Add a user
          </Button>
        }
        empty={
          <EmptyState icon="user" title="There is nobody">
            <code>sentinel user add NAME</code> adds somebody.
          </EmptyState>
        }
      />
      {doing?.act === "add" && <AddUser groups={groups} onClose={close} />}
      {doing?.act === "change" && (
        <ChangeUser user={doing.user} groups={groups} last={isLastAdmin(users ?? [], doing.user)} onClose={close} />
      )}
      {doing?.act === "quota" && accounts.data !== undefined && (
        <QuotaDialog whose={{ scope: "user", name: doing.user.name }} onClose={close} />
      )}
      {doing?.act === "password" && <UserPassword user={doing.user} onClose={close} />}
      {doing?.act === "disable" && <DisableUser user={doing.user} onClose={close} />}
      {doing?.act === "remove" && <RemoveUser user={doing.user} onClose={close} />}
    </Panel>
  );
}

function columnsOf(
  users: readonly User[],
  accounts: readonly Account[] | undefined,
  me: string,
  onAct: (act: Act, user: User) => void,
): readonly Column<User>[] {
  const quotas = new Map((accounts ?? []).filter(({ scope }) => scope === "user").map((one) => [one.name, sentenceOf(one.limits)]));
  return [
    {
      id: "name",
      head: "Name",
      value: (user) => user.name,
      cell: (user) => (
        <>
          {user.name}
          {user.name === me && <span className={css.quiet}> · you</span>}
        </>
      ),
      width: "grow",
    },
    { id: "role", head: "Role", value: (user) => user.role, width: 120 },
    {
      id: "group",
      head: "Group",
      hint: "Whose quota and share their jobs count for, too",
      value: (user) => user.group ?? "",
      cell: (user) => user.group ?? <span className={css.quiet}>none</span>,
      width: 140,
    },
    {
      id: "quota",
      head: "Quota",
      hint: "Of this user alone; those of the group hold beside it",
      value: (user) => quotas.get(user.name) ?? "",
      cell: (user) =>
        accounts === undefined ? (
          <Unknown why="not told yet" />
        ) : (
          quotas.get(user.name) ?? <span className={css.quiet}>none of their own</span>
        ),
      width: 220,
    },
    {
      id: "state",
      head: "State",
      value: (user) => (user.disabled ? "Disabled" : "Enabled"),
      cell: (user) => (
        <span className={css.state}>
          <StatusMark status={user.disabled ? { tone: "warn", shape: "bar" } : { tone: "ok", shape: "dot" }} />
          {user.disabled ? "Disabled" : "Enabled"}
        </span>
      ),
      width: 110,
    },
    {
      id: "password",
      head: "Password",
      value: (user) => (user.has_password ? "set" : "none"),
      cell: (user) => (user.has_password ? "set" : <span className={css.quiet}>tokens alone</span>),
      width: 120,
    },
    {
      id: "since",
      head: "Since",
      value: (user) => Date.parse(user.created_at),
      cell: (user) => <Time at={Date.parse(user.created_at)} />,
      width: 110,
    },
    {
      id: "act",
      head: "",
      value: () => "",
      cell: (user) => <Actions user={user} last={isLastAdmin(users, user)} onAct={(act) => onAct(act, user)} />,
      width: 56,
    },
  ];
}

function Actions({ user, last, onAct }: { user: User; last: boolean; onAct: (act: Act) => void }) {
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="default" size={24} aria-label={`What to do with ${user.name}`}>
          <Icon name="more" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAct("change")}>Role and group</Menu.Item>
        <Menu.Item onClick={() => onAct("quota")}>Quota</Menu.Item>
        <Menu.Item onClick={() => onAct("password")}>Password</Menu.Item>
        {!last && <Menu.Item onClick={() => onAct("disable")}>{user.disabled ? "Enable" : "Disable"}</Menu.Item>}
        {!last && (
          <Menu.Item color="red" onClick={() => onAct("remove")}>
            Remove
          </Menu.Item>
        )}
        {last && <Menu.Label>The last admin: cannot be disabled or removed</Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  );
}
