import { describe, expect, it } from "vitest";
import { match } from "./match";

const ROUTES = [{ path: "/" }, { path: "/jobs" }, { path: "/jobs/new" }, { path: "/jobs/:id" }];

describe("which page an address is of", () => {
  it.each([
    ["/", "/", {}],
    ["/jobs/", "/jobs", {}],
    ["/jobs/new", "/jobs/new", {}],
    ["/jobs/a%2Fb", "/jobs/:id", { id: "a/b" }],
  ])("%s", (path, route, parts) => {
    expect(match(ROUTES, path)).toEqual({ route: { path: route }, parts });
  });
  it.each([["/jobs/1/2"], ["/job"], ["/jobs/%E0%A4%A"]])("%s is of none", (path) => {
    expect(match(ROUTES, path)).toBeNull();
  });
});
