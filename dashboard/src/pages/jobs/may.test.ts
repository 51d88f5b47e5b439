import { describe, expect, it } from "vitest";
import { meOf, type Me } from "../../data/me";
import { mayDo } from "./may";

const RUNNING = { owner: "ana", state: "RUNNING", part: null } as const;
const OVER = { ...RUNNING, state: "FAILED" } as const;
const ANA = who("ana", "read", "submit", "control-own");
const VIEWER = who("ana", "read");
const BEN = who("ben", "read", "submit", "control-own");
const OPERATOR = who("olga", "read", "submit", "control-own", "control-any", "operate");
const NOTHING = { cancel: false, retry: false, readLog: false, readEnvironment: false };

function who(user: string, ...may: string[]): Me {
  return meOf({ user, role: "member", tenant: "default", token_id: null, may });
}

describe("mayDo", () => {
  it("lets owners do what they want with their own", () => {
    expect(mayDo(ANA, RUNNING)).toEqual({ cancel: true, retry: false, readLog: true, readEnvironment: true });
    expect(mayDo(ANA, OVER)).toEqual({ cancel: false, retry: true, readLog: true, readEnvironment: true });
  });

  it("offers others nothing", () => {
    expect(mayDo(BEN, RUNNING)).toEqual(NOTHING);
    expect(mayDo(VIEWER, RUNNING)).toEqual(NOTHING);
  });

  it("lets operators cancel and read, and nothing that needs the environment", () => {
    expect(mayDo(OPERATOR, RUNNING)).toEqual({ cancel: true, retry: false, readLog: true, readEnvironment: false });
    expect(mayDo(OPERATOR, OVER).retry).toBe(false);
  });

  it("leaves a part of a gang to its gang", () => {
    const part = { of: "g", rank: 0, size: 2 };
    expect(mayDo(ANA, { ...RUNNING, part }).cancel).toBe(false);
    expect(mayDo(ANA, { ...OVER, part }).retry).toBe(false);
  });
});
