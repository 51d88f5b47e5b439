// Another role, another group. Used by page settings.
import { Button, Modal } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import type { User } from "../../data/person";
import { FormTrouble } from "./FormTrouble";
import { changeOf, type Role, roleOf } from "./people";
import { useChangeUser } from "./people-store";
import { RoleAndGroup } from "./RoleAndGroup";
import css from "./settings.module.css";

interface Props {
  user: User;
  groups: readonly string[];
  /** Whether this is the last admin who is enabled. */
  last: boolean;
  onClose: () => void;
}

export function ChangeUser({ user, groups, last, onClose }: Props) {
  const change = useChangeUser();
  const [role, setRole] = useState<Role>(roleOf(user.role));
  const [group, setGroup] = useState(user.group ?? "");
  const body = changeOf(user, { role, group });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (body === null) onClose();
    else change.mutate({ name: user.name, body }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={`Change ${user.name}`}>
      <form className={css.form} onSubmit={submit}>
        <RoleAndGroup
          role={role}
          onRole={setRole}
          group={group}
          onGroup={setGroup}
          groups={groups}
          error={change.error}
          fixed={last}
        />
        <p className={css.quiet}>
          It works with their next request. Jobs count for the group that they were in when they submitted them.
        </p>
        <FormTrouble error={change.error} fields={["role", "group"]} />
        <div className={css.buttons}>
          <Button size="sm" variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button size="sm" type="submit" disabled={body === null} loading={change.isPending}>
            Change
          </Button>
        </div>
      </form>
    </Modal>
  );
}
