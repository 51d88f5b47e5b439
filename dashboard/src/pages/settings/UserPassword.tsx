// A new password for somebody, or none any more. Used by page settings.
import { Button, Modal } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import { SecretField } from "../../components/form/fields";
import type { User } from "../../data/person";
import { FormTrouble } from "./FormTrouble";
import { useChangeUser } from "./people-store";
import css from "./settings.module.css";

export function UserPassword({ user, onClose }: { user: User; onClose: () => void }) {
  const change = useChangeUser();
  const [password, setPassword] = useState("");
  const put = (to: string | null) => change.mutate({ name: user.name, body: { password: to } }, { onSuccess: onClose });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (password !== "") put(password);
  };
  return (
    <Modal opened onClose={onClose} title={`Password of ${user.name}`}>
      <form className={css.form} onSubmit={submit}>
        <SecretField
          field="password"
          label="New password"
          complete="new-password"
          error={change.error}
          value={password}
          onChange={setPassword}
          required
        />
        <p className={css.quiet}>Their sessions end, also in other browsers. Their tokens go on.</p>
        <FormTrouble error={change.error} fields={["password"]} />
        <div className={css.buttons}>
          {user.has_password && (
            <Button size="sm" variant="default" disabled={change.isPending} onClick={() => put(null)}>
              No password any more
            </Button>
          )}
          <span className={css.space} />
          <Button size="sm" variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button size="sm" type="submit" disabled={password === ""} loading={change.isPending}>
            Set it
          </Button>
        </div>
      </form>
    </Modal>
  );
}
