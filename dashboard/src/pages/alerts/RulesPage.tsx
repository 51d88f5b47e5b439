// The page /alerts/rules: shipped, changed and own ones; ?rule=NAME opens one, ?new=1 begins one (&from=NAME as a copy).
import { Button, SegmentedControl, Switch, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { flag, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Origin, Rule } from "../../data/alerting";
import css from "./alerts.module.css";
import { sayCondition } from "./condition";
import { Frame } from "./Frame";
import { change, useChange, useRules } from "./queries";
import { RuleEditor } from "./RuleEditor";
import { draftOf, EMPTY, writtenOf } from "./rule-draft";
import { Severity } from "./Severity";
import own from "./rules.module.css";

const FIELDS = {
  rule: text(),
  new: flag(),
  from: text(),
  origin: oneOf(["all", "shipped", "changed", "own"], "all"),
  q: text(),
};
const ORIGINS: { value: "all" | Origin; label: string }[] = [
  { value: "all", label: "All" },
  { value: "shipped", label: "Shipped" },
  { value: "changed", label: "Changed" },
  { value: "own", label: "Own" },
];

export function RulesPage(): ReactNode {
  const [view, setView] = useUrlState(FIELDS);
  const may = useMe().can("operate");
  const asked = useRules();
  const rules = asked.data?.items;
  const { origin, q } = view;
  const isNew = view.new && may;
  const open = rules?.find((one) => one.name === (isNew ? view.from : view.rule));
  const shown = rules?.filter(
    (one) => (origin === "all" || one.origin === origin) && `${one.name} ${one.metric}`.includes(q.trim()),
  );
  const close = (): void => setView({ rule: "", new: false, from: "" }, { step: true });
  const taken = new Set(rules?.map((one) => one.name));
  const start = open === undefined ? EMPTY : isNew ? { ...draftOf(open), name: "" } : draftOf(open);

  return (
    <Frame
      at="/alerts/rules"
      title="Alert rules"
      asked={asked}
      actions={
        may &&
        !isNew && <Button onClick={() => setView({ new: true, rule: "", from: "" }, { step: true })}>New rule</Button>
      }
    >
      {asked.error !== null && <Refusal error={asked.error} />}
      {rules !== undefined && (isNew || open !== undefined) && (
        <RuleEditor
          key={isNew ? `new ${view.from}` : open?.name}
          start={start}
          rule={isNew ? null : (open ?? null)}
          taken={isNew ? taken : new Set()}
          close={close}
          saved={(name) => setView({ rule: name, new: false, from: "" })}
          copy={(name) => setView({ new: true, from: name, rule: "" }, { step: true })}
        />
      )}
      {rules !== undefined && !isNew && open === undefined && view.rule !== "" && (
        <EmptyState title={`There is no rule ${view.rule}`} action={<Button onClick={close}>Show all rules</Button>}>
          It was removed, or never was.
        </EmptyState>
      )}
      <div className={css.row} role="search" aria-label="Rules">
        <TextInput
          type="search"
          aria-label="Name or metric"
          placeholder="Name or metric"
          value={q}
          onChange={(event) => setView({ q: event.currentTarget.value })}
        />
        <SegmentedControl
          aria-label="Where from"
          data={ORIGINS}
          value={origin}
          onChange={(value) => setView({ origin: value }, { step: true })}
        />
      </div>
      {shown === undefined ? (
        asked.error === null && <Skeleton rows={12} />
      ) : shown.length === 0 ? (
        <EmptyState title="No such rule">
          {origin === "own" ? "This site has no rules of its own yet. “New rule” begins one; a shipped one can be copied." : "No rule fits the filters."}
        </EmptyState>
      ) : (
        <ul className={own.rules}>
          {shown.map((one) => (
            <Line key={one.name} rule={one} may={may} open={one === open} />
          ))}
        </ul>
      )}
    </Frame>
  );
}

const FROM: Readonly<Record<Origin, string>> = {
  shipped: "comes with Sentinel",
  changed: "comes with Sentinel, and was changed here",
  own: "written here",
};

function Line({ rule, may, open }: { rule: Rule; may: boolean; open: boolean }): ReactNode {
  const put = useChange((enabled: boolean) => change.putRule(rule.name, { ...writtenOf(rule), enabled }), "alert-rules", "alerts");
  return (
    <li className={own.rule} data-open={open || undefined} data-off={!rule.enabled || undefined}>
      <Severity of={rule.severity} quiet={!rule.enabled} bare />
      <div className={own.what}>
        <Link to={`/alerts/rules?rule=${encodeURIComponent(rule.name)}`} className={own.name}>
          {rule.name}
        </Link>
        <code className={own.condition}>{sayCondition(rule)}</code>
        {put.error !== null && <Refusal error={put.error} />}
      </div>
      <span className={own.origin} title={FROM[rule.origin]} data-origin={rule.origin}>
        {rule.origin}
      </span>
      <span className={own.standing}>
        {rule.standing > 0 ? (
          <Link to={`/alerts?rule=${encodeURIComponent(rule.name)}`}>{rule.standing} firing</Link>
        ) : (
          <span className={css.dim}>{rule.enabled ? "not firing" : "off"}</span>
        )}
      </span>
      {may ? (
        <Switch
          aria-label={`${rule.name} is looked at`}
          checked={put.isPending ? put.variables : rule.enabled}
          disabled={put.isPending}
          onChange={(event) => put.mutate(event.currentTarget.checked)}
        />
      ) : (
        <span className={css.dim}>{rule.enabled ? "on" : "off"}</span>
      )}
    </li>
  );
}
