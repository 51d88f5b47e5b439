import { describe, expect, it } from "vitest";
import type { User } from "../../data/person";
import { changeOf, groupsOf, isLastAdmin, roleOf, userBody } from "./people";

const user = (given: Partial<User>): User => ({
  name: "ada",
  role: "member",
  group: null,
  tenant: "default",
  created_at: "2026-11-01T00:00:00Z",
  disabled: false,
  has_password: false,
  ...given,
});

describe("isLastAdmin", () => {
  const root = user({ name: "root", role: "admin" });

  it("counts only those who are enabled", () => {
    expect(isLastAdmin([root, user({})], root)).toBe(true);
    expect(isLastAdmin([root, user({ role: "admin", disabled: true })], root)).toBe(true);
    expect(isLastAdmin([root, user({ role: "admin" })], root)).toBe(false);
  });

  it("is nobody who is none", () => {
    expect(isLastAdmin([root, user({})], user({}))).toBe(false);
    const off = user({ name: "off", role: "admin", disabled: true });
    expect(isLastAdmin([root, off], off)).toBe(false);
  });
});

describe("userBody", () => {
  it("leaves out what is empty: an empty password is none", () => {
    expect(userBody({ name: " bela ", role: "member", group: " ", password: "" })).toEqual({
      name: "bela",
      role: "member",
    });
  });

  it("keeps spaces of a password", () => {
    expect(userBody({ name: "b", role: "viewer", group: "g", password: " x " }).password).toBe(" x ");
  });
});

describe("changeOf", () => {
  it("has only what is other", () => {
    expect(changeOf(user({}), { role: "member", group: "" })).toBeNull();
    expect(changeOf(user({}), { role: "operator", group: "" })).toEqual({ role: "operator" });
    expect(changeOf(user({ group: "vision" }), { role: "member", group: " " })).toEqual({ group: null });
  });
});

it("a role that is none is the least", () => {
  expect(roleOf("admin")).toBe("admin");
  expect(roleOf("root")).toBe("viewer");
  expect(roleOf(null)).toBe("viewer");
});

it("groups are those of users, once", () => {
  expect(groupsOf([user({ group: "b" }), user({}), user({ group: "a" }), user({ group: "b" })])).toEqual(["a", "b"]);
});
