// Who is looking, and what they may. The shell asks once and gives it to all pages; what somebody may not do is not
// offered. The controller decides all the same.
import { createContext, useContext } from "react";
import type { Whoami } from "./shapes";

/** As the controller's table of permissions has them. */
export type Action =
  | "read"
  | "submit"
  | "control-own"
  | "control-any"
  | "operate"
  | "tokens-own"
  | "administer";

export interface Me {
  readonly user: string;
  readonly role: string;
  readonly tenant: string;
  readonly tokenId: string | null;
  readonly can: (action: Action) => boolean;
}

export function meOf(found: Whoami): Me {
  const may = new Set(found.may);
  return {
    user: found.user,
    role: found.role,
    tenant: found.tenant,
    tokenId: found.token_id,
    can: (action) => may.has(action),
  };
}

export const MeContext = createContext<Me | null>(null);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error("useMe is for what is within the shell");
  return me;
}

/** Whether a job, a token… of `owner` may be changed. */
export function canControl(me: Me, owner: string): boolean {
  return me.can("control-any") || (owner === me.user && me.can("control-own"));
}
