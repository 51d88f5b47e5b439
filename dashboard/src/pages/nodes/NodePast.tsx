// The past of a node's GPUs: a strip for each, or lines over each other. Used by the page of a node; what is shown is in the
// URL.
import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { Panel } from "../../components/Page";
import { useEvents } from "../../data/machines";
import type { Node } from "../../data/node";
import { useNow } from "../../data/useNow";
import { useUrlState } from "../../routing/useUrlState";
import { ALERT_EVENTS, eventMarks, NODE_EVENTS, within } from "../gpu/marks";
import { CHARTS, mostOf } from "../gpu/metrics";
import { PastChart } from "../gpu/PastChart";
import { PastStrips } from "../gpu/PastStrips";
import { RangeBar } from "../gpu/RangeBar";
import { rangeOf } from "../gpu/time-range";
import classes from "./NodePage.module.css";

/** More lines than these cannot be told apart where they cross. */
const READABLE = 3;

export function NodePast({ node }: { readonly node: Node }) {
  const now = useNow(10_000) / 1000;
  const [rangeText, setRange] = useUrlState("range", "6h");
  const [compare, setCompare] = useUrlState("compare", "");
  const [chosen, choose] = useUrlState("as", "");
  const [at, setAt] = useState<number | null>(null);
  const gpus = node.gpus ?? [];
  const strips = chosen === "" ? gpus.length > READABLE : chosen === "strips";
  const range = rangeOf(rangeText, now);
  const memory = Math.max(0, ...gpus.map((gpu) => gpu.memory_total_bytes ?? 0)) || null;
  const uuids = useMemo(() => new Map((node.gpus ?? []).map((gpu) => [`GPU ${gpu.index}`, gpu.uuid])), [node.gpus]);
  const own = useEvents(NODE_EVENTS, node.id, 100, !strips);
  const alerts = useEvents(ALERT_EVENTS, null, 200, !strips);
  const events = [...(own.data?.items ?? []), ...(alerts.data?.items ?? [])];
  const marks = within(eventMarks(events, null, node.name), range.start, range.end);
  return (
    <Panel
      title="Past"
      actions={
        <RangeBar range={range} onRange={setRange} compare={compare} onCompare={setCompare}>
          <SegmentedControl
            size="xs"
            aria-label="Drawn as"
            data={[
              { value: "strips", label: "Strips" },
              { value: "lines", label: "Lines" },
            ]}
            value={strips ? "strips" : "lines"}
            onChange={choose}
          />
        </RangeBar>
      }
    >
      <div className={classes.charts}>
        {CHARTS.map((chart) =>
          strips ? (
            <PastStrips key={chart.metric} {...chart} most={mostOf(chart, memory)} node={node.name} range={range} compare={compare} uuids={uuids} at={at} onAt={setAt} />
          ) : (
            <PastChart key={chart.metric} {...chart} most={mostOf(chart, memory)} node={node.name} gpu={null} range={range} compare={compare} marks={marks} onRange={setRange} />
          ),
        )}
      </div>
    </Panel>
  );
}
