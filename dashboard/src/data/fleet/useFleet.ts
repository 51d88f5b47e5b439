// The whole fleet, as it changes. Used by page fleet, the top bar, the command palette, and names of GPUs.
import { useSyncExternalStore } from "react";
import { type Kept, keptFleet, watchFleet } from "./fleet-store";

export function useFleet(): Kept {
  return useSyncExternalStore(watchFleet, keptFleet);
}
