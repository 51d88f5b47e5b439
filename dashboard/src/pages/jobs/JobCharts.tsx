// What a job's GPUs did while it had them. Used by JobPage.
import { useMemo, useState } from "react";
import { Chart } from "../../components/chart/Chart";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { useAnswer } from "../../data/answer";
import { byIndex, linesOf } from "../gpu/lines";
import { CHARTS, type ChartOf } from "../gpu/metrics";
import classes from "./JobCharts.module.css";

const LINES = 16; // more cannot be told apart

interface Props {
  readonly id: string;
  /** Epoch seconds. */
  readonly start: number;
  /** null: it has not ended. */
  readonly end: number | null;
}

export function JobCharts({ id, start, end }: Props) {
  return (
    <Panel title={end === null ? "What its GPUs do" : "What its GPUs did"}>
      <div className={classes.charts}>
        {CHARTS.map((chart) => (
          <OneChart key={chart.metric} chart={chart} id={id} start={start} end={end} />
        ))}
      </div>
    </Panel>
  );
}

function OneChart({ chart, id, start, end }: Props & { readonly chart: ChartOf }) {
  const [part, setPart] = useState<readonly [from: number, to: number] | null>(null);
  const query = {
    metric: chart.metric,
    job: id,
    ...(part === null ? {} : { since: isoOf(part[0]), until: isoOf(part[1]) }),
  };
  const past = useAnswer("/api/v1/history/query", { query }, { every: end === null && part === null ? 30_000 : 600_000, keep: true });
  const series = past.data?.series;
  const lines = useMemo(
    () => linesOf(byIndex(series ?? []).slice(0, LINES), [], 0, 0, ({ node, gpu }) => `${node ?? "?"} · GPU ${gpu ?? "?"}`),
    [series],
  );
  return (
    <section className={classes.chart} aria-label={chart.title}>
      <h3>
        {chart.title}
        {part !== null && (
          <button type="button" onClick={() => setPart(null)}>
            all of its time
          </button>
        )}
      </h3>
      {past.error !== null && past.data === undefined ? (
        <Refusal error={past.error} />
      ) : (
        <Chart
          lines={lines}
          unit={chart.unit}
          most={chart.unit === "percent" ? 100 : null}
          start={part?.[0] ?? past.data?.start ?? start}
          end={part?.[1] ?? past.data?.end ?? end ?? start + 60}
          loading={past.pending}
          onRange={(from, to) => setPart([from, to])}
        />
      )}
      {(series?.length ?? 0) > LINES && <p className={classes.more}>The first {LINES} of {series?.length ?? 0} GPUs.</p>}
    </section>
  );
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
