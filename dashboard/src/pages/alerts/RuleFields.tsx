// The fields of a rule. Used by its editor.
import { Autocomplete, Select, Switch, Textarea, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { Comparison, WrittenRule } from "../../data/alerting";
import { unitOf } from "./condition";
import css from "./alerts.module.css";
import { useMetrics } from "./queries";
import { COMPARISONS, type RuleDraft, type Wrong } from "./rule-draft";
import own from "./rules.module.css";
import { SEVERITIES } from "./standing";

const NBSP = "\u00a0"; // keeps the fields of a row on one line
const NO_DATA = [
  { value: "ignore", label: "stays as it was" },
  { value: "alert", label: "is bad: an alert" },
  { value: "ok", label: "is well" },
];
const SIGNS: Readonly<Record<Comparison, string>> = { ">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠" };

interface Props {
  readonly draft: RuleDraft;
  readonly set: (part: Partial<RuleDraft>) => void;
  readonly wrong: Wrong;
  readonly isNew: boolean;
}

export function RuleFields({ draft, set, wrong, isNew }: Props): ReactNode {
  const metrics = useMetrics().data?.items ?? [];
  const names = metrics.map((one) => one.name);
  const unit = unitOf({ metric: draft.metric, of: draft.of });
  const help = metrics.find((one) => one.name === draft.metric)?.help;
  const field = (name: Exclude<keyof RuleDraft, "others" | "enabled">): { value: string; error: string | undefined } => ({
    value: draft[name],
    error: wrong[name],
  });
  return (
    <>
      {isNew && (
        <TextInput
          label="Name"
          placeholder="gpu-hot"
          {...field("name")}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
      )}
      <div className={own["condition-fields"]}>
        <Autocomplete
          label="Metric"
          placeholder="gpu_temperature_celsius"
          description={help ?? NBSP}
          data={names}
          limit={100}
          {...field("metric")}
          onChange={(metric) => set({ metric })}
        />
        <Select
          label="is"
          description={NBSP}
          allowDeselect={false}
          data={COMPARISONS.map((value) => ({ value, label: SIGNS[value] }))}
          value={draft.op}
          onChange={(op) => set({ op: COMPARISONS.find((one) => one === op) ?? ">" })}
        />
        <TextInput
          label="Threshold"
          description={unit === "" ? NBSP : `in ${unit}`}
          inputMode="decimal"
          {...field("threshold")}
          onChange={(event) => set({ threshold: event.currentTarget.value })}
        />
      </div>
      <div className={css.pair}>
        <TextInput
          label="For at least"
          description="0: at once"
          {...field("hold")}
          onChange={(event) => set({ hold: event.currentTarget.value })}
        />
        <TextInput
          label="Over once well for"
          description="0: at once"
          {...field("keep")}
          onChange={(event) => set({ keep: event.currentTarget.value })}
        />
        <Select
          label="Severity"
          description={NBSP}
          allowDeselect={false}
          data={[...SEVERITIES]}
          value={draft.severity}
          onChange={(value) => set({ severity: (value ?? "warning") })}
        />
      </div>
      <div className={css.pair}>
        <Autocomplete
          label="In percent of"
          description="Another metric; empty: as it is"
          data={names}
          limit={100}
          {...field("of")}
          onChange={(of) => set({ of })}
        />
        <Select
          label="A series that says nothing"
          description={NBSP}
          allowDeselect={false}
          data={NO_DATA}
          value={draft.noData}
          onChange={(value) => set({ noData: (value ?? "ignore") as WrittenRule["no_data"] })}
        />
      </div>
      <TextInput
        label="Only series with"
        description="node=gpu01 node=gpu02; empty: all"
        {...field("scope")}
        onChange={(event) => set({ scope: event.currentTarget.value })}
      />
      <TextInput
        label="What it says"
        description="{node}, {gpu}, {value} are filled in; empty: the name and the labels"
        {...field("summary")}
        onChange={(event) => set({ summary: event.currentTarget.value })}
      />
      <Textarea
        label="What to do next"
        rows={2}
        {...field("nextStep")}
        onChange={(event) => set({ nextStep: event.currentTarget.value })}
      />
      <TextInput
        label="Labels added to its alerts"
        description="For routes and silences: team=vision"
        {...field("labels")}
        onChange={(event) => set({ labels: event.currentTarget.value })}
      />
      <Switch label="It is looked at" checked={draft.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
    </>
  );
}
