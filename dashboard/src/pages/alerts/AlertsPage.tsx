// The page /alerts: what stands, the worst first. Its filters and groups are in the address.
import { Button, Select, SegmentedControl, Switch, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import { flag, list, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { AlertPage } from "../../data/alerting";
import css from "./alerts.module.css";
import { Counters } from "./Counters";
import { Frame } from "./Frame";
import { GroupOfAlerts } from "./GroupOfAlerts";
import { unitsOf } from "./condition";
import { MOST_ALERTS, useAlerts, useRules } from "./queries";
import { chosen, counted, grouped, GROUPINGS, SEVERITIES, type Grouping, type Loudness } from "./standing";
import { watchSays } from "./watch-says";
import own from "./standing.module.css";

const FIELDS = {
  severity: list(),
  show: oneOf(["all", "loud", "quiet"], "all"),
  by: oneOf(GROUPINGS, "rule"),
  over: flag(),
  rule: text(),
  node: text(),
  q: text(),
};
const STANDING = ["firing", "no-data", "pending"];
const BY: { value: Grouping; label: string }[] = [
  { value: "rule", label: "by rule" },
  { value: "node", label: "by node" },
  { value: "severity", label: "by severity" },
  { value: "none", label: "in one list" },
];
const LOUDNESS: { value: Loudness; label: string }[] = [
  { value: "all", label: "All" },
  { value: "loud", label: "Loud" },
  { value: "quiet", label: "Quiet" },
];

export function AlertsPage(): ReactNode {
  const [view, setView] = useUrlState(FIELDS);
  const { show, by, over, rule, node, q } = view;
  const severities = SEVERITIES.filter((one) => view.severity.includes(one));
  const asked = useAlerts({ states: over ? [...STANDING, "resolved"] : [], rule, node });
  const now = useNow();
  const units = unitsOf(useRules().data?.items ?? []);
  const all = asked.data?.items ?? [];
  const shown = chosen(all, { severities, loudness: show, text: q });
  const narrowed = severities.length > 0 || show !== "all" || q !== "" || rule !== "" || node !== "";
  const clear = (): void => setView({ severity: [], show: "all", q: "", rule: "", node: "" }, { step: true });

  return (
    <Frame at="/alerts" title="Alerts" asked={asked}>
      <Counters
        counts={asked.data && counted(all)}
        sure={asked.data !== undefined && watchSays(asked.data.watch, (now - asked.dataUpdatedAt) / 1000).sure}
        chosen={severities}
        choose={(severity) => setView({ severity }, { step: true })}
      />
      <div className={own.filters} role="search" aria-label="Alerts">
        <TextInput
          className={own.words}
          aria-label="Look for words, or labels like node=gpu01"
          placeholder="Words, or node=gpu01"
          type="search"
          value={q}
          onChange={(event) => setView({ q: event.currentTarget.value })}
        />
        <SegmentedControl
          aria-label="Loud or quiet"
          data={LOUDNESS}
          value={show}
          onChange={(value) => setView({ show: value }, { step: true })}
        />
        <Select
          aria-label="Grouped"
          className={own.by}
          data={BY}
          value={by}
          allowDeselect={false}
          onChange={(value) => setView({ by: value ?? "rule" }, { step: true })}
        />
        <Switch
          label="Over in the last day, too"
          checked={over}
          onChange={(event) => setView({ over: event.currentTarget.checked }, { step: true })}
        />
        {(rule !== "" || node !== "") && (
          <Button variant="default" size="compact-sm" onClick={() => setView({ rule: "", node: "" }, { step: true })}>
            {rule !== "" ? `rule ${rule}` : `node ${node}`} ×
          </Button>
        )}
      </div>
      {asked.error !== null && <Refusal error={asked.error} />}
      {asked.data === undefined ? (
        asked.error === null && <Skeleton rows={8} />
      ) : (
        <div className={css.stack} aria-busy={asked.isPlaceholderData} data-old={asked.isPlaceholderData || undefined}>
          {shown.length === 0 && <Nothing page={asked.data} narrowed={narrowed} clear={clear} at={asked.dataUpdatedAt} />}
          {grouped(shown, by).map((group) => (
            <GroupOfAlerts key={group.key} group={group} by={by} units={units} />
          ))}
          {asked.data.next !== null && (
            <p className={css.calm}>
              Only the worst {MOST_ALERTS} are here; there are more. Narrow them by rule or node.
            </p>
          )}
        </div>
      )}
    </Frame>
  );
}

interface NothingProps {
  readonly page: AlertPage;
  readonly narrowed: boolean;
  readonly clear: () => void;
  readonly at: number;
}

/** That there is nothing is good news only while somebody looks. */
function Nothing({ page, narrowed, clear, at }: NothingProps): ReactNode {
  const says = watchSays(page.watch, (useNow() - at) / 1000);
  if (narrowed && page.items.length > 0) {
    return (
      <EmptyState title="Nothing of what is chosen" action={<Button onClick={clear}>Show all {page.items.length}</Button>}>
        There are alerts, but none that fits the filters.
      </EmptyState>
    );
  }
  if (!says.sure) {
    return (
      <EmptyState title="It is not known whether anything is wrong">
        Nobody has looked lately, so an empty list says nothing. See above for what to do.
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Nothing is wrong" action={<Link to="/alerts/rules">What is looked at: the rules</Link>}>
      {says.series === null ? "Somebody looks" : `${says.series.toLocaleString("en-GB")} series were looked at`}, last{" "}
      <Time at={page.watch?.round_at ?? null} />.
    </EmptyState>
  );
}
