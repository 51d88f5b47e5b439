// A silence that somebody is about to make: the address of its form, filled in. Pure. Used wherever an alert is shown.
import type { Alert, Silence } from "../../data/alerting";
import { labelsBut, matchesOf, writeMatches } from "./matching";

/** The form, with these matchers (as text) and this reason in it. */
export function silenceFor(match: string, why = ""): string {
  const query = new URLSearchParams({ new: "1", match, ...(why === "" ? {} : { why }) });
  return `/alerts/silences?${query.toString()}`;
}

/** The matchers that mean this alert alone. */
export function silencing(alert: Pick<Alert, "rule" | "labels" | "series">): string {
  const labels = alert.rule === "finding" ? alert.series : labelsBut(alert.labels, "finding");
  return writeMatches({ rule: [alert.rule], ...matchesOf(labels) });
}

/** The same once more: of one that ended, or to follow one that ends too soon. */
export function silenceAgain(silence: Pick<Silence, "matches" | "why">): string {
  return silenceFor(writeMatches(silence.matches), silence.why);
}

/** What a silence would mean of what stands, in a sentence. */
export function sayMeant(count: number, all: number): string {
  if (all === 0) return "Nothing stands now; it would silence what comes";
  if (all === 1) return count === 1 ? "Would silence the one alert that stands now" : "Would not silence the one alert that stands now";
  const part = count === all ? `all ${all}` : `${count === 0 ? "none" : count} of the ${all}`;
  return `Would silence ${part} alerts that stand now`;
}
