import { expect, it } from "vitest";
import { inPercent, sayCondition, sayMeasured, sayNumber, unitOf, unitsOf } from "./condition";
import { rule } from "./sample";

it("says a condition with its unit", () => {
  expect(sayCondition(rule())).toBe("gpu_temperature_celsius > 88 °C for 2 min");
  expect(sayCondition(rule({ metric: "gpu_up", op: "<", threshold: 1, for: 0 }))).toBe("gpu_up < 1");
  expect(sayCondition(rule({ metric: "gpu_memory_used_bytes", of: "gpu_memory_bytes", op: ">=", threshold: 98, for: 600 })))
    .toBe("gpu_memory_used_bytes of gpu_memory_bytes ≥ 98 % for 10 min");
});
it("takes units from names", () => {
  expect(unitOf({ metric: "gpu_power_watts", of: null })).toBe("W");
  expect(unitOf({ metric: "gpu_up", of: null })).toBe("");
});
it("says that a value is unknown, never zero", () => {
  expect(sayNumber(null, "°C")).toBe("unknown");
  expect(sayNumber(0, "°C")).toBe("0 °C");
  expect(sayNumber(86400, "s")).toBe("86,400 s");
  expect([0, 1536, 80 * 2 ** 30].map((value) => sayNumber(value, "B"))).toEqual(["0 B", "1.5 KiB", "80 GiB"]);
});
it("is unknown in percent where either is", () => {
  expect(inPercent([[1, 50], [2, 50], [3, null], [4, 1]], [[1, 200], [3, 200], [4, 0]]))
    .toEqual([[1, 25], [2, null], [3, null], [4, null]]);
});
it("knows that the values of a rule with a whole are percent", () => {
  const units = unitsOf([rule(), rule({ name: "full", metric: "gpu_memory_used_bytes", of: "gpu_memory_bytes" })]);
  expect([...units.values()]).toEqual(["°C", "%"]);
});

it("says a measured value as exactly as one reads it", () => {
  expect([sayMeasured(89.1021, "%"), sayMeasured(1739.6, "W"), sayMeasured(0.01234, ""), sayMeasured(64, "°C")]).toEqual([
    "89.1 %", "1,740 W", "0.012", "64 °C",
  ]);
});
