import { describe, expect, it } from "vitest";
import type { Token } from "../../data/person";
import { livesFor, opens, stateOf, tokenBody } from "./tokens";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const token = (given: Partial<Token>): Token => ({
  id: "t1",
  kind: "api",
  owner: "ada",
  label: "",
  created_at: "2026-11-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  ...given,
});

describe("stateOf", () => {
  it("tells whether it opens anything", () => {
    expect(stateOf(token({}), NOW)).toBe("valid");
    expect(stateOf(token({ expires_at: "2026-12-26T12:00:00Z" }), NOW)).toBe("valid");
    expect(stateOf(token({ expires_at: "2026-11-30T12:00:00Z" }), NOW)).toBe("ends-soon");
    expect(stateOf(token({ expires_at: "2026-11-26T12:00:00Z" }), NOW)).toBe("expired");
  });

  it("has revoked before expired", () => {
    const both = token({ revoked_at: "2026-11-02T00:00:00Z", expires_at: "2026-11-03T00:00:00Z" });
    expect(stateOf(both, NOW)).toBe("revoked");
    expect(opens(both, NOW)).toBe(false);
  });

  it("does not warn of sessions, which are short anyway", () => {
    expect(stateOf(token({ kind: "session", expires_at: "2026-11-26T18:00:00Z" }), NOW)).toBe("valid");
  });
});

it("offers no end to admins alone", () => {
  expect(livesFor(true).some(({ seconds }) => seconds === null)).toBe(true);
  expect(livesFor(false).some(({ seconds }) => seconds === null)).toBe(false);
});

describe("tokenBody", () => {
  it("leaves the owner out where it is oneself", () => {
    expect(tokenBody({ label: " laptop ", kind: "api", life: "7d", owner: " " })).toEqual({
      label: "laptop",
      kind: "api",
      expires_in: 604_800,
    });
  });

  it("never makes one without end by mistake", () => {
    expect(tokenBody({ label: "", kind: "api", life: "odd", owner: "" }).expires_in).toBe(7_776_000);
    expect(tokenBody({ label: "", kind: "join", life: "ever", owner: "ada" })).toMatchObject({
      expires_in: null,
      owner: "ada",
    });
  });
});
