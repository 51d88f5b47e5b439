// What a user, a group, or everybody without a quota of their own may have. For operators. Used by the pages of usage and
// settings.
import { Button, Modal } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import { TextField } from "../../components/form/fields";
import { Refusal } from "../../components/Refusal";
import { fieldError, Refused } from "../../data/refusal";
import { formOf, QUOTA_FIELDS, type QuotaField, read } from "./quota";
import css from "./QuotaDialog.module.css";
import { useAccounts, useRemoveAccount, useSetAccount, type Whose } from "./standings-store";

interface Props {
  readonly whose: Whose;
  readonly onClose: () => void;
}

export function QuotaDialog({ whose, onClose }: Props) {
  const accounts = useAccounts();
  const [begun] = useState(() => accounts.data?.find(({ scope, name }) => scope === whose.scope && name === whose.name) ?? null);
  const [form, setForm] = useState(() => formOf(begun));
  const set = useSetAccount();
  const remove = useRemoveAccount();
  const { errors, wanted } = read(form);
  const error = set.error ?? remove.error;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (wanted !== null) set.mutate({ whose, wanted }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={TITLES[whose.scope](whose.name)} size={560}>
      <form className={css.form} onSubmit={submit} noValidate>
        <div className={css.fields}>
          {QUOTA_FIELDS.map(({ field, label, hint }) => (
            <TextField
              key={field}
              field={field}
              label={label}
              hint={hint}
              placeholder={field === "weight" ? "1" : "no limit"}
              error={errors[field] ?? refused(error, field) ?? ""}
              value={form[field]}
              onChange={(value) => setForm({ ...form, [field]: value })}
            />
          ))}
        </div>
        <p className={css.quiet}>
          Empty is no limit. It holds from the next decision of the queue on; nothing that runs is ended by it.
          {whose.scope === "user" && " The limits of a user's group hold beside it."}
        </p>
        {error !== null && !(error instanceof Refused && error.fields.length > 0) && <Refusal error={error} />}
        <div className={css.buttons}>
          {begun !== null && (
            <Button
              size="sm"
              variant="default"
              loading={remove.isPending}
              onClick={() => remove.mutate(whose, { onSuccess: onClose })}
            >
              Remove this quota
            </Button>
          )}
          <span className={css.space} />
          <Button size="sm" variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button size="sm" type="submit" disabled={wanted === null} loading={set.isPending}>
            Set it
          </Button>
        </div>
      </form>
    </Modal>
  );
}

const TITLES: Readonly<Record<Whose["scope"], (name: string) => string>> = {
  user: (name) => `Quota of ${name}`,
  group: (name) => `Quota of group ${name}`,
  default: () => "Quota of everybody without one",
};

function refused(error: unknown, field: QuotaField): string | undefined {
  return fieldError(error, `limits.${field}`) ?? fieldError(error, field);
}
