// Whether anybody looks for alerts: without that, an empty list says nothing. Pure. Used by every page of
// alerts, on top.

import type { Watch } from "../../data/alerting";

export const LONG_AGO = 60; // seconds without a look after which nobody looks

export interface WatchSays {
  /** Whether that there are no alerts means that there are none. */
  readonly sure: boolean;
  readonly warnings: readonly Warning[];
  /** Seconds since the last look; null: there was none. */
  readonly age: number | null;
  readonly series: number | null;
}

export interface Warning {
  readonly loud: boolean;
  readonly title: string;
  readonly text: string;
}

/** `waited`: seconds since the controller answered, which `age` knows nothing of. */
export function watchSays(watch: Watch | null, waited: number): WatchSays {
  if (watch === null) return { sure: false, warnings: [NEVER], age: null, series: null };
  const age = watch.age + Math.max(0, waited);
  const deaf = isBad(watch.history);
  const warnings: Warning[] = [];
  if (age > LONG_AGO) warnings.push(LATE);
  if (deaf) {
    warnings.push({
      loud: true,
      title: "Rules see nothing: the history does not answer",
      text: `It says: ${watch.history}. Alerts of health findings still come.`,
    });
  }
  if (isBad(watch.alertmanager)) {
    warnings.push({
      loud: false,
      title: "The Alertmanager does not answer",
      text: `It says: ${watch.alertmanager ?? ""}. Its silences are not known here meanwhile.`,
    });
  }
  return { sure: age <= LONG_AGO && !deaf, warnings, age, series: watch.series };
}

const NEVER: Warning = {
  loud: true,
  title: "Nobody looks for alerts",
  text: "The controller's watch has never said that it looked. Is [alerting] switched off? Else the log of `sentinel server` says why.",
};

const LATE: Warning = {
  loud: true,
  title: "Nobody looks for alerts",
  text: "What is shown is from the last look; what came since is not known. The log of `sentinel server` says why.",
};

function isBad(state: string | null): boolean {
  return state !== null && state !== "ok";
}
