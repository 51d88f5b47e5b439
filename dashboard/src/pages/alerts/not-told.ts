// Who is not told of alerts, and why, in sentences. Pure. Used by NotTold.tsx.
import type { Alert, Channel } from "../../data/alerting";
import { isLoud } from "./standing";

export interface Deaf {
  /** Something did not get through, or may not. */
  readonly loud: boolean;
  readonly title: string;
  readonly text: string;
  readonly to: string;
  /** The words of the link. */
  readonly act: string;
}

export function notTold(channels: readonly Channel[], standing: readonly Alert[]): readonly Deaf[] {
  const loud = standing.filter(isLoud).length;
  if (channels.length === 0) return loud === 0 ? [] : [none(loud)];
  return channels.filter((one) => one.fares.error !== "").map(failing);
}

function none(loud: number): Deaf {
  return {
    loud: false,
    title: "Nobody is told of this",
    text: `There is no channel, so ${loud === 1 ? "the alert is" : `the ${loud} alerts are`} shown here alone.`,
    to: "/alerts/channels?new=1",
    act: "Add a channel",
  };
}

function failing({ name, to, fares }: Channel): Deaf {
  const lost = [
    ...(fares.waiting > 0 ? [`${fares.waiting} waiting`] : []),
    ...(fares.given_up > 0 ? [`${fares.given_up} given up in the last day`] : []),
  ].join(", ");
  return {
    loud: true,
    title: `Messages to ${name} do not get through`,
    text: `${to} says: ${fares.error}${/[.!?]$/.test(fares.error) ? "" : "."}${lost === "" ? "" : ` ${lost}.`}`,
    to: `/alerts/deliveries?channel=${encodeURIComponent(name)}`,
    act: "Look at its deliveries",
  };
}
