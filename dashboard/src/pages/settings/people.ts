// Users as the settings page shows and changes them. The controller has the last word; this is what it is not asked.
import type { NewUser, User, UserChange } from "../../data/person";

export const ROLES = ["viewer", "member", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export const MAY: Readonly<Record<Role, string>> = {
  viewer: "Sees everything but logs and environments of jobs.",
  member: "Sees everything, submits jobs, and controls their own.",
  operator: "As a member; and controls all jobs, nodes, quotas, reservations and alerts.",
  admin: "As an operator; and manages users, all tokens, and which machines belong here.",
};

export function roleOf(text: string | null): Role {
  return ROLES.find((role) => role === text) ?? "viewer";
}

/** Whether `user` is the last admin who is enabled: such a one stays admin, enabled, and here. */
export function isLastAdmin(users: readonly User[], user: User): boolean {
  const rules = (one: User) => one.role === "admin" && !one.disabled;
  return rules(user) && !users.some((one) => rules(one) && one.name !== user.name);
}

export interface Wanted {
  name: string;
  role: Role;
  group: string;
  password: string;
}

export function userBody({ name, role, group, password }: Wanted): NewUser {
  const its = group.trim();
  return {
    name: name.trim(),
    role,
    ...(its === "" ? {} : { group: its }),
    ...(password === "" ? {} : { password }),
  };
}

/** Only what is other; null: nothing is. */
export function changeOf(user: User, wanted: { role: Role; group: string }): UserChange | null {
  const group = wanted.group.trim() === "" ? null : wanted.group.trim();
  const change = {
    ...(wanted.role === user.role ? {} : { role: wanted.role }),
    ...(group === user.group ? {} : { group }),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** The groups that somebody is in, to choose from. */
export function groupsOf(users: readonly User[]): string[] {
  return [...new Set(users.flatMap(({ group }) => (group === null ? [] : [group])))].sort();
}
