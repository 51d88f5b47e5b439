// The fields of a rule. Used by its editor.
import { NativeSelect, Switch, Textarea, TextInput } from "@mantine/core";
import { useId, type ReactNode } from "react";
import type { Comparison, Severity, WrittenRule } from "../../data/alerting";
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
  const known = useId();
  const unit = unitOf({ metric: draft.metric, of: draft.of });
  const help = metrics.find((one) => one.name === draft.metric)?.help;
  const field = (name: Exclude<keyof RuleDraft, "others" | "enabled">): { value: string; error: string | undefined } => ({
    value: draft[name],
    error: wrong[name],
  });
  return (
    <>
      <datalist id={known}>
        {metrics.map((one) => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
      {isNew && (
        <TextInput
          label="Name"
          placeholder="gpu-hot"
          {...field("name")}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
      )}
      <div className={own["condition-fields"]}>
        <TextInput
          label="Metric"
          placeholder="gpu_temperature_celsius"
          description={help ?? NBSP}
          list={known}
          {...field("metric")}
          onChange={(event) => set({ metric: event.currentTarget.value.trim() })}
        />
        <NativeSelect
          label="is"
          description={NBSP}
          data={COMPARISONS.map((value) => ({ value, label: SIGNS[value] }))}
          value={draft.op}
          onChange={(event) => set({ op: event.currentTarget.value as Comparison })}
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
        <NativeSelect
          label="Severity"
          description={NBSP}
          data={[...SEVERITIES]}
          value={draft.severity}
          onChange={(event) => set({ severity: event.currentTarget.value as Severity })}
        />
      </div>
      <div className={css.pair}>
        <TextInput
          label="In percent of"
          description="Another metric, or nothing"
          list={known}
          {...field("of")}
          onChange={(event) => set({ of: event.currentTarget.value.trim() })}
        />
        <NativeSelect
          label="A silent series"
          description={NBSP}
          data={NO_DATA}
          value={draft.noData}
          onChange={(event) => set({ noData: event.currentTarget.value as WrittenRule["no_data"] })}
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
