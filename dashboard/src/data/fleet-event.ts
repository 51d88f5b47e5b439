// A fact as `GET /api/v1/events` tells it. `data` is as each type has it, and written by many: look before use.
// Used by the pages of nodes and GPUs.
import type { Event } from "./shapes";

export type FleetEvent = Pick<Event, "time" | "type" | "subject" | "owner"> & {
  readonly data: Readonly<Record<string, unknown>>;
};
