import { expect, it } from "vitest";
import { took } from "./took";

it("counts from the start to the end, or to now", () => {
  const job = { started_at: "2026-01-01T00:00:00Z", ended_at: null, spec: { time_limit: 3600 } };
  const now = Date.parse("2026-01-01T00:10:00Z");
  expect(took(job, now)).toEqual({ seconds: 600, said: "10m", limit: "1h" });
  expect(took({ ...job, ended_at: "2026-01-01T00:00:30Z" }, now)?.said).toBe("30s");
  expect(took({ ...job, started_at: null }, now)).toBeNull();
  expect(took({ ...job, started_at: "2026-01-01T00:20:00Z" }, now)?.seconds).toBe(0);
});
