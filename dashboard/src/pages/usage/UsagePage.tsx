// Who held the GPUs, how long, and how much of it idle; beside it what each may have. At /usage.
import { Button, SegmentedControl, Select } from "@mantine/core";
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
import { periodsOf } from "./periods";
import { save } from "./save";
import { Shares } from "./Shares";
import css from "./UsagePage.module.css";
import { UsageTable } from "./UsageTable";

const BY = ["user", "group", "node", "gpu", "model", "origin"] as const;
const RANGES = ["24h", "7d", "30d", "90d", "365d"] as const;
const FIELDS = { by: oneOf(BY, "user"), range: oneOf(RANGES, "30d") };

const BY_WORDS = { user: "user", group: "group", node: "node", gpu: "GPU", model: "model", origin: "origin" };
const RANGE_WORDS = { "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "365d": "1 y" };

export default function UsagePage() {
  const me = useMe();
  const [{ by, range }, setView] = useUrlState(FIELDS);
  const asked = useAnswer(
    "/api/v1/reports/usage",
    { query: { by, since: range, step: range === "24h" ? "1h" : "1d" } },
    { every: 60_000, keep: true },
  );
  const report = asked.data;
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
      {asked.error !== null && <Refusal error={asked.error} again={asked.again} />}
      <Panel
        title={
          <div className={css.tools}>
            <SegmentedControl
              size="xs"
              aria-label="Time"
              data={RANGES.map((value) => ({ value, label: RANGE_WORDS[value] }))}
              value={range}
              onChange={(value) => setView({ range: RANGES.find((one) => one === value) ?? "30d" })}
            />
            <Select
              size="xs"
              className={css.by}
              aria-label="Put together by"
              data={BY.map((value) => ({ value, label: `By ${BY_WORDS[value]}` }))}
              value={by}
              allowDeselect={false}
              onChange={(value) => setView({ by: BY.find((one) => one === value) ?? "user" })}
            />
          </div>
        }
      >
        <Figures report={report} />
        <Bars periods={report === undefined ? [] : periodsOf(report)} />
      </Panel>
      <div className={css.beside}>
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
        <Shares />
      </div>
    </Page>
  );
}
