import { expect, it } from "vitest";
import { alert } from "./sample";
import { sayMeant, silenceAgain, silenceFor, silencing } from "./silence-draft";

it("means one alert by its rule and labels, a finding by its series", () => {
  expect(silencing(alert())).toBe("rule=gpu-hot gpu=0 node=gpu01");
  const finding = { rule: "finding", labels: { finding: "xid-79", node: "a", layer: "hardware" }, series: { finding: "xid-79", node: "a" } };
  expect(silencing(finding)).toBe("rule=finding finding=xid-79 node=a");
});
it("fills in the form by its address", () => {
  expect(silenceFor("node=a")).toBe("/alerts/silences?new=1&match=node%3Da");
  expect(silenceAgain({ matches: { node: ["a", "b c"] }, why: "new fans" })).toBe(
    "/alerts/silences?new=1&match=node%3Da+node%3D%22b+c%22&why=new+fans",
  );
});
it("says what it means of what stands", () => {
  expect(sayMeant(0, 0)).toContain("Nothing stands now");
  expect([sayMeant(1, 1), sayMeant(0, 1)]).toEqual([
    "Would silence the one alert that stands now",
    "Would not silence the one alert that stands now",
  ]);
  expect([sayMeant(0, 5), sayMeant(2, 5), sayMeant(5, 5)]).toEqual([
    "Would silence none of the 5 alerts that stand now",
    "Would silence 2 of the 5 alerts that stand now",
    "Would silence all 5 alerts that stand now",
  ]);
});
