// Who had a GPU in the time that its charts show. Used by the page of a GPU.
import { useState } from "react";
import { ShowAll } from "../../components/ShowAll";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { duration } from "../../data/format/quantity";
import { usePast } from "../../data/past";
import type { Gpu } from "../../data/shapes";
import { holdingsOf } from "./holders";
import { stepOf, type TimeRange } from "./time-range";
import classes from "./GpuPage.module.css";

const SHOWN = 12;

export function Holdings({ gpu, range }: { readonly gpu: Gpu; readonly range: TimeRange }) {
  const [all, setAll] = useState(false);
  const past = usePast({
    metric: "gpu_held",
    node: gpu.node,
    gpu: gpu.uuid,
    start: range.start,
    end: range.end,
    step: stepOf(range),
    moving: range.span !== null,
  });
  if (past.data === undefined) return past.error === null ? <Skeleton rows={5} /> : <Refusal error={past.error} />;
  const found = holdingsOf(past.data.series, past.data.step, past.data.end);
  if (found.length === 0) return <p className={classes.quiet}>Nobody that is known of, in this time.</p>;
  return (
    <>
      <table className={classes.spans}>
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">By way of</th>
            <th scope="col">From</th>
            <th scope="col">Until</th>
            <th scope="col" className={classes.number}>
              For
            </th>
          </tr>
        </thead>
        <tbody>
          {(all ? found : found.slice(0, SHOWN)).map((one) => (
            <tr key={`${one.user ?? ""} ${one.origin ?? ""} ${one.from}`}>
              <td>{one.user ?? "unknown"}</td>
              <td>{one.origin ?? "unknown"}</td>
              <td>
                <Time at={one.from * 1000} />
              </td>
              <td>{one.open ? "still" : <Time at={one.to * 1000} />}</td>
              <td className={classes.number}>{duration(one.to - one.from)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > SHOWN && (
        <ShowAll onToggle={() => setAll(!all)}>
          {all ? "Show fewer" : `Show ${found.length - SHOWN} more`}
        </ShowAll>
      )}
    </>
  );
}
