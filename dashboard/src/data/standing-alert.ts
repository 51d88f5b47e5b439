// An alert, as far as the pages of nodes and GPUs show it: what is wrong, why, and what to do.
import type { Alert } from "./shapes";

export type StandingAlert = Pick<
  Alert,
  "fingerprint" | "state" | "severity" | "labels" | "annotations" | "started_at" | "summary" | "next_step"
>;
