import { describe, expect, it } from "vitest";
import { channelOf, NEW_CHANNEL, readHeaders, wrongInChannel } from "./channel-draft";

const hook = { ...NEW_CHANNEL, name: "ops", url: "https://hooks.example.org/x", secret: "kkkkkkkk", headers: "Authorization: Bearer a:b" };

describe("what is sent", () => {
  it("has everything of a webhook", () => {
    expect(channelOf(hook)).toEqual({ kind: "webhook", url: hook.url, secret: "kkkkkkkk", headers: { Authorization: "Bearer a:b" }, timeout: 10 });
  });
  it("leaves out what the kind does not know, and what is empty", () => {
    expect(channelOf({ ...hook, kind: "apprise" })).toEqual({ kind: "apprise", url: hook.url, timeout: 10 });
    expect(channelOf({ ...hook, kind: "pagerduty", url: "" })).toEqual({ kind: "pagerduty", secret: "kkkkkkkk", timeout: 10 });
  });
});

describe("what is wrong", () => {
  it("is nothing with a good one", () => expect(wrongInChannel(hook, new Set())).toEqual({}));
  it("depends on the kind", () => {
    expect(wrongInChannel({ ...NEW_CHANNEL, name: "p", kind: "pagerduty" }, new Set())).toEqual({ secret: "Needed" });
    expect(wrongInChannel({ ...NEW_CHANNEL, name: "w" }, new Set())).toEqual({ url: "Needed" });
  });
  it("is a key that is too short", () => {
    expect(wrongInChannel({ ...hook, secret: "kkkkkkk" }, new Set()).secret).toContain("8");
  });
  it("names taken names, addresses, headers and times", () => {
    const wrong = wrongInChannel({ ...hook, url: "hooks", headers: "x", caFile: "ca.pem", timeout: "90" }, new Set(["ops"]));
    expect(Object.keys(wrong).sort()).toEqual(["caFile", "headers", "name", "timeout", "url"]);
  });
});

it("reads headers, a line each", () => {
  expect(readHeaders("A: 1\n\nB:2")).toEqual({ A: "1", B: "2" });
  expect(readHeaders("A")).toBeNull();
});
