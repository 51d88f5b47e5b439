// A chart's values as a table, for those who do not see it, and to be copied. Used by Chart.tsx.
import { exact } from "../../data/format/moment";
import type { Unit } from "../../data/format/quantity";
import { Quantity } from "../Quantity";
import type { Lines } from "./Chart";
import classes from "./Chart.module.css";
import { picked } from "./summary";

const MOST = 60;

export function Values({ lines, unit }: { readonly lines: Lines; readonly unit: Unit }) {
  const places = picked(lines.times.length, MOST);
  return (
    <div className={classes.values} tabIndex={0} role="group" aria-label="The chart's values">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.lines.map((line, nth) => (
              <th key={`${line.label} ${nth}`} scope="col" data-numeric>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {places.map((at) => (
            <tr key={at}>
              <th scope="row">{exact((lines.times[at] ?? 0) * 1000)}</th>
              {lines.lines.map((line, nth) => (
                <td key={`${line.label} ${nth}`} data-numeric>
                  <Quantity value={line.values[at] ?? null} unit={unit} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {places.length < lines.times.length && (
        <p>
          {places.length} of {lines.times.length} moments. A shorter range shows all.
        </p>
      )}
    </div>
  );
}
