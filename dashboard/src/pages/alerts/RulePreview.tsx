// What a rule would have done: how often, when, and where; worked out anew while it is written. Used by its editor.
import { useDebouncedValue } from "@mantine/hooks";
import { SegmentedControl } from "@mantine/core";
import { Fragment, useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Preview, WrittenRule } from "../../data/alerting";
import { sayNumber, unitOf } from "./condition";
import css from "./alerts.module.css";
import { MOST_ROWS, sayTimes, strip, whereOf, type Strip as StripDrawn } from "./preview-strip";
import { PreviewChart } from "./PreviewChart";
import { usePreview } from "./queries";
import own from "./rules.module.css";
import { saySpan } from "./span";

const FIELDS = { past: oneOf(["1d", "7d", "30d"], "7d") };
const WHEN: { value: "1d" | "7d" | "30d"; label: string }[] = [
  { value: "1d", label: "1 day" },
  { value: "7d", label: "7 days" },
  { value: "30d", label: "30 days" },
];
const WAIT = 500; // milliseconds without a key before the controller is asked
const MOST_TIMES = 50;

export function RulePreview({ rule }: { rule: Omit<WrittenRule, "name"> | null }): ReactNode {
  const [{ past: since }, setView] = useUrlState(FIELDS);
  const [text] = useDebouncedValue(rule === null ? "" : JSON.stringify(rule), WAIT);
  const settled = text === "" ? null : (JSON.parse(text) as Omit<WrittenRule, "name">);
  const asked = usePreview(settled, since);
  const isOld = asked.isPlaceholderData || text !== (rule === null ? "" : JSON.stringify(rule));
  return (
    <section className={own.preview} aria-label="What it would have done" aria-busy={asked.isFetching} data-old={isOld || undefined}>
      <div className={css.head}>
        <h2>What it would have done</h2>
        <SegmentedControl
          size="xs"
          aria-label="How far back"
          data={WHEN}
          value={since}
          onChange={(value) => setView({ past: value })}
        />
      </div>
      {rule === null ? (
        <p className={css.dim}>Once it has a metric and a threshold, it is tried against the past here.</p>
      ) : asked.error !== null ? (
        <Refusal error={asked.error} />
      ) : asked.data === undefined || settled === null ? (
        <Skeleton rows={6} />
      ) : (
        <Found preview={asked.data} rule={settled} since={since} />
      )}
    </section>
  );
}

function Found({ preview, rule, since }: { preview: Preview; rule: Omit<WrittenRule, "name">; since: string }): ReactNode {
  const [chosen, setChosen] = useState("");
  const unit = unitOf(rule);
  const length = since === "1d" ? "day" : (WHEN.find((one) => one.value === since)?.label ?? since);
  const drawn = strip(preview);
  const row = drawn.rows.find((one) => one.where === chosen) ?? drawn.rows[0];
  return (
    <div className={own.found}>
      <p className={own.says} role="status">
        {preview.series === 0
          ? "Nothing is known that it would watch"
          : preview.times === 0
            ? `Would not have fired in the last ${length}`
            : `Would have fired ${sayTimes(preview.times)} in the last ${length}`}
      </p>
      <p className={css.small}>
        {preview.series === 0
          ? "No series of that metric, with those labels, was recorded in that time. Is the name right?"
          : preview.says}
      </p>
      {row !== undefined && <Strip drawn={drawn} since={preview.since} open={row.where} choose={setChosen} />}
      {preview.series > 0 && (
        <PreviewChart rule={rule} preview={preview} since={since} fired={row?.marks.map((mark) => mark.fired) ?? []} />
      )}
      {preview.fired.length > 0 && (
        <ul className={own.times} tabIndex={0} aria-label="When it would have fired, the newest first">
          {[...preview.fired]
            .reverse()
            .slice(0, MOST_TIMES)
            .map((one) => (
              <li key={`${one.began} ${JSON.stringify(one.labels)}`}>
                <span>{whereOf(one.labels)}</span>
                <span>{one.state === "no-data" ? "no data" : sayNumber(one.peak, unit)}</span>
                <span className={css.dim}>
                  <Time at={one.began} />
                  {one.ended === null ? ", still" : `, for ${saySpan((Date.parse(one.ended) - Date.parse(one.began)) / 1000)}`}
                </span>
              </li>
            ))}
        </ul>
      )}
    </div>
  );
}

interface StripProps {
  readonly drawn: StripDrawn;
  readonly since: string;
  /** The row whose line is drawn below. */
  readonly open: string;
  readonly choose: (where: string) => void;
}

function Strip({ drawn: { rows, more, days }, since, open, choose }: StripProps): ReactNode {
  return (
    <div className={own.strip}>
      {rows.map((row) => (
        <Fragment key={row.where}>
          <button type="button" className={own.where} title={row.where} aria-pressed={row.where === open} onClick={() => choose(row.where)}>
            {row.where}
          </button>
          <svg viewBox="0 0 1000 20" preserveAspectRatio="none" className={own.bar} aria-hidden="true">
            {days.map((day) => (
              <path key={day.left} d={`M${day.left * 1000} 0V20`} className={own.day} />
            ))}
            {row.marks.map((mark) => (
              <rect
                key={mark.fired.began}
                x={mark.left * 1000}
                width={mark.width * 1000}
                y="3"
                height="14"
                className={own.mark}
                data-state={mark.fired.state}
              />
            ))}
          </svg>
        </Fragment>
      ))}
      <div className={own.ends}>
        <Time at={since} />
        {more > 0 && <span>{`the ${MOST_ROWS} that fired last; ${more} more`}</span>}
        <span>now</span>
      </div>
    </div>
  );
}
