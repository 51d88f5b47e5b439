import { expect, it } from "vitest";
import { csvName, usageCsv } from "./csv";

const asked = { by: "user", start: "2026-11-01T00:00:00.000Z", end: "2026-11-26T12:00:00.000Z" };

it("writes what is not known as nothing, and text as it is", () => {
  const rows = [
    { key: "ada", gpu_hours: 1.5, idle_gpu_hours: null, unknown_gpu_hours: 1.5, energy_kwh: 0, coverage: 0.25 },
    { key: '=a"b,\nc', gpu_hours: 0, idle_gpu_hours: 0, unknown_gpu_hours: 0, energy_kwh: null, coverage: null },
  ];
  expect(usageCsv(asked, rows).split("\r\n")).toEqual([
    '"user","gpu_hours","idle_gpu_hours","unknown_gpu_hours","energy_kwh","coverage","start","end"',
    '"ada",1.5,,1.5,0,0.25,"2026-11-01T00:00:00.000Z","2026-11-26T12:00:00.000Z"',
    '"=a""b,\nc",0,0,0,,,"2026-11-01T00:00:00.000Z","2026-11-26T12:00:00.000Z"',
    "",
  ]);
});

it("has a name that says what is in it", () => {
  expect(csvName(asked)).toBe("usage-by-user-2026-11-01-2026-11-26.csv");
});
