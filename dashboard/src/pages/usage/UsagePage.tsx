// Who held the GPUs, how long, and how much of it idle; beside it what each may have. At /usage.
import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { useAnswer } from "../../data/answer";
import { useMe } from "../../data/me";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { Bars } from "./Bars";
import { csvName, usageCsv } from "./csv";
import { Figures } from "./Figures";
import { IdleNow } from "./IdleNow";
import { periodsOf } from "./periods";
import { fittingRange, type Range, RANGES } from "./range";
import { save } from "./save";
import { Shares } from "./Shares";
import css from "./UsagePage.module.css";
import { UsageTable } from "./UsageTable";

const BY = ["user", "group", "node", "gpu", "model", "origin"] as const;
/** `range` "fit": what has all that was recorded, a month at the most. */
const FIELDS = { by: oneOf(BY, "user"), range: oneOf([...RANGES, "fit"] as const, "fit") };

const BY_WORDS = { user: "user", group: "group", node: "node", gpu: "GPU", model: "model", origin: "origin" };
const RANGE_WORDS = { "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "365d": "1 y" };

const PATH = "/api/v1/reports/usage";
const queryOf = (by: (typeof BY)[number], range: Range) => ({
  query: { by, since: range, step: range === "24h" ? ("1h" as const) : ("1d" as const) },
});

export default function UsagePage() {
  const me = useMe();
  const [{ by, range: chosen }, setView] = useUrlState(FIELDS);
  const month = useAnswer(PATH, queryOf("user", "30d"), { every: 60_000, keep: true, when: chosen === "fit" });
  const range = chosen !== "fit" ? chosen : month.data === undefined ? null : fittingRange(month.data);
  // While it is not known which, it is none that was had: else a month would stand in for a day.
  const asked = useAnswer(PATH, queryOf(by, range ?? "365d"), { every: 60_000, keep: true, when: range !== null });
  const report = range === null ? undefined : asked.data;
  const error = asked.error ?? (chosen === "fit" ? month.error : null);
  const nothing = report?.totals.gpu_hours === 0 && report.rows.length === 0;

  return (
    <Page
      title="Usage"
      fetchedAt={asked.fetchedAt}
      stale={asked.stale}
      actions={
        <Button
          size="xs"
          variant="default"
          disabled={report === undefined || report.rows.length === 0}
          onClick={() => report !== undefined && save(csvName(report), "text/csv", usageCsv(report, report.rows))}
        >
          Download CSV
        </Button>
      }
    >
      {error !== null && <Refusal error={error} again={asked.error === null ? month.again : asked.again} />}
      <Panel
        title={
          <div className={css.tools}>
            <SegmentedControl
              size="xs"
              aria-label="Time"
              data={RANGES.map((value) => ({ value, label: RANGE_WORDS[value] }))}
              value={range ?? ""}
              onChange={(value) => setView({ range: RANGES.find((one) => one === value) ?? "fit" })}
            />
            <NativeSelect
              size="xs"
              className={css.by}
              aria-label="Put together by"
              data={BY.map((value) => ({ value, label: `By ${BY_WORDS[value]}` }))}
              value={by}
              onChange={({ currentTarget }) => setView({ by: BY.find((one) => one === currentTarget.value) ?? "user" })}
            />
          </div>
        }
      >
        <Figures report={report} />
        <Bars periods={report === undefined ? [] : periodsOf(report)} />
      </Panel>
      <Panel title={`By ${BY_WORDS[by]}`} flush>
        {nothing ? (
          <EmptyState icon="chart" title="Nobody held a GPU in this time">
            Choose a longer time above. Nodes send what they measure once they have joined
            {me.can("administer") ? ": `sentinel token create --join` prints how." : "."}
          </EmptyState>
        ) : (
          <UsageTable by={by} rows={report?.rows} />
        )}
      </Panel>
      {/* After what is above: else it would be pushed down by that. */}
      {(report !== undefined || error !== null) && (
        <div className={css.beside}>
          <Shares />
          <IdleNow />
        </div>
      )}
    </Page>
  );
}
