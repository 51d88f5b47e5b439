// Alerts and who is told of them, as the API has them, for reading alone. Used by pages/alerts.
// Durations are seconds, times RFC 3339; null is unknown or not yet.
import type { components } from "./api.gen";
import type { AnswerOf } from "./shapes";

type Schemas = components["schemas"];
type Frozen<T> = T extends readonly (infer One)[]
  ? readonly Frozen<One>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

export type Alert = Frozen<Schemas["AlertShape"]>;
export type AlertState = Alert["state"];
export type Severity = Alert["severity"];
export type Labels = Alert["labels"];
export type Told = Alert["told"][number];
export type Silence = Frozen<Schemas["SilenceShape"]>;
export type Matches = Silence["matches"];
export type Weekly = NonNullable<Silence["weekly"]>;
export type Channel = Frozen<Schemas["ListedChannelShape"]>;
export type ChannelKind = Channel["kind"];
export type Routes = Frozen<Schemas["RoutesShape"]>;
export type Route = Routes["routes"][number];
export type Inhibition = Routes["inhibitions"][number];
export type Delivery = Frozen<Schemas["DeliveryShape"]>;
export type DeliveryState = Delivery["state"];
export type Preview = Frozen<AnswerOf<"post", "/api/v1/alert-rules/preview">>;
export type Fired = Preview["fired"][number];
export type Metric = Frozen<Schemas["MetricShape"]>;
export type History = Frozen<Schemas["HistoryShape"]>;

export type Watch = Frozen<Schemas["WatchShape"]>;
export type Rule = Frozen<Schemas["ListedRuleShape"]>;
export type Comparison = Rule["op"];
export type Origin = Rule["origin"];
/** A rule in full, as it is written. */
export type WrittenRule = Omit<Rule, "origin" | "standing">;

export type AlertPage = Frozen<Schemas["AlertPageShape"]>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface NewSilence {
  readonly matches: Matches;
  readonly start?: string;
  readonly end: string;
  readonly why: string;
  readonly weekly?: Weekly;
}
