// Keeping somebody out for a time, or for good. Used by page settings.
import { Confirm } from "../../components/Confirm";
import type { User } from "../../data/person";
import { useChangeUser, useRemoveUser } from "./people-store";

interface Props {
  user: User;
  onClose: () => void;
}

export function DisableUser({ user, onClose }: Props) {
  const change = useChangeUser();
  const { name, disabled } = user;
  return (
    <Confirm
      title={disabled ? `Enable ${name}?` : `Disable ${name}?`}
      act={disabled ? "Enable" : "Disable"}
      danger={!disabled}
      busy={change.isPending}
      error={change.error}
      onClose={onClose}
      onConfirm={() => change.mutate({ name, body: { disabled: !disabled } }, { onSuccess: onClose })}
    >
      {disabled
        ? "Their password and their tokens work again. They have to sign in anew."
        : "Their sessions end, and their password and tokens open nothing until they are enabled again. Their jobs go on."}
    </Confirm>
  );
}

export function RemoveUser({ user: { name }, onClose }: Props) {
  const remove = useRemoveUser();
  return (
    <Confirm
      title={`Remove ${name}?`}
      act="Remove"
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => remove.mutate(name, { onSuccess: onClose })}
    >
      Their tokens and quota go with them. That cannot be taken back. Somebody with jobs that have not ended cannot be
      removed: cancel those first, or disable the user instead.
    </Confirm>
  );
}
