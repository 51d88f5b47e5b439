// The two fields that adding and changing a user have in common. Used by page settings.
import { ChoiceField, TextField } from "../../components/form/fields";
import type { Trouble } from "../../data/refusal";
import { MAY, type Role, roleOf, ROLES } from "./people";

interface Props {
  role: Role;
  onRole: (role: Role) => void;
  group: string;
  onGroup: (group: string) => void;
  groups: readonly string[];
  error: Trouble | null;
  /** Whether the role stays as it is: of the last admin. */
  fixed?: boolean;
}

export function RoleAndGroup({ role, onRole, group, onGroup, groups, error, fixed = false }: Props) {
  return (
    <>
      <ChoiceField
        field="role"
        label="Role"
        hint={fixed ? "The last admin who is enabled stays one: make somebody else an admin first." : MAY[role]}
        error={error}
        disabled={fixed}
        choices={ROLES.map((one) => ({ value: one, label: one }))}
        value={role}
        onChange={(chosen) => onRole(roleOf(chosen))}
      />
      <TextField
        field="group"
        label="Group"
        hint={
          groups.length === 0
            ? "Whose quota and share their jobs count for, too. May be empty."
            : `Whose quota and share their jobs count for, too. There are: ${groups.join(", ")}.`
        }
        error={error}
        value={group}
        onChange={onGroup}
      />
    </>
  );
}
