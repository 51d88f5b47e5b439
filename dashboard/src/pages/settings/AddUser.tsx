// Somebody new. Used by page settings.
import { Button, Modal } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import { SecretField, TextField } from "../../components/form/fields";
import { FormTrouble } from "./FormTrouble";
import { type Role, userBody } from "./people";
import { useAddUser } from "./people-store";
import { RoleAndGroup } from "./RoleAndGroup";
import css from "./settings.module.css";

export function AddUser({ groups, onClose }: { groups: readonly string[]; onClose: () => void }) {
  const add = useAddUser();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [group, setGroup] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    add.mutate(userBody({ name, role, group, password }), { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title="Add a user">
      <form className={css.form} onSubmit={submit}>
        <TextField
          field="name"
          label="Name"
          hint="As on the machines: small letters, digits, . _ -"
          error={add.error}
          value={name}
          onChange={setName}
          required
        />
        <RoleAndGroup role={role} onRole={setRole} group={group} onGroup={setGroup} groups={groups} error={add.error} />
        <SecretField
          field="password"
          label="Password"
          hint="May be empty: they come in with a token then, which an admin makes for them."
          complete="new-password"
          error={add.error}
          value={password}
          onChange={setPassword}
        />
        <FormTrouble error={add.error} fields={["name", "role", "group", "password"]} />
        <div className={css.buttons}>
          <Button size="sm" variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button size="sm" type="submit" loading={add.isPending}>
            Add
          </Button>
        </div>
      </form>
    </Modal>
  );
}
