import { expect, it } from "vitest";
import { saidOf } from "./node-events";

it.each([
  [{ by: "ana", why: "new driver" }, " by ana: new driver"],
  [{ by: "ana", why: "" }, " by ana"],
  [{ reason: "no beat for 30s" }, ": no beat for 30s"],
  [{ by: 5, why: { not: "text" } }, ""],
])("%j says %j", (data, says) => {
  expect(saidOf(data)).toBe(says);
});
