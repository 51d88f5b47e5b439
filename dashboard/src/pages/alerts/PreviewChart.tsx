// The series that a rule would watch, with its threshold and when it would have fired; where it never would have, the
// one that came nearest. Used by the preview of rules.
import type { ReactNode } from "react";
import { Skeleton } from "../../components/Skeleton";
import type { Fired, Preview, WrittenRule } from "../../data/alerting";
import { inPercent, sayNumber, sayThreshold, unitOf, type Point } from "./condition";
import css from "./alerts.module.css";
import { extremeOf, spansOf } from "./nearest-series";
import { PastLine } from "./PastLine";
import own from "./past.module.css";
import { whereOf } from "./preview-strip";
import { useExtremes, usePast } from "./queries";

type Body = Omit<WrittenRule, "name">;

interface Props {
  readonly rule: Body;
  readonly preview: Preview;
  /** As in `preview`: "7d". */
  readonly since: string;
  /** Those of one series; none: it never would have fired. */
  readonly fired: readonly Fired[];
}

export function PreviewChart({ rule, preview, since, fired }: Props): ReactNode {
  const [first] = fired;
  if (first !== undefined) return <OfSeries rule={rule} preview={preview} since={since} fired={fired} labels={first.labels} />;
  // In percent of another, or with beginnings of labels, the nearest is not to be had with one question.
  const isSimple = rule.of === null && !Object.values(rule.scope).some((values) => values.some((value) => value.endsWith("*")));
  return isSimple && extremeSide(rule) !== null ? <Nearest rule={rule} since={since} /> : null;
}

function OfSeries({ rule, preview, since, fired, labels }: Props & { readonly labels: Fired["labels"] }): ReactNode {
  const part = usePast(rule.metric, labels, since);
  const whole = usePast(rule.of, labels, since);
  const mine = part.data?.series[0]?.points as readonly Point[] | undefined;
  const of = whole.data?.series[0]?.points as readonly Point[] | undefined;
  const points = rule.of === null ? mine : mine && of && inPercent(mine, of);
  if (part.data === undefined || (rule.of !== null && whole.data === undefined)) return <Skeleton height={196} />;
  if (points === undefined) return null;
  return (
    <figure className={own.figure}>
      <figcaption className={css.small}>
        <strong>{whereOf(labels)}</strong> <span className={css.dim}>fires {sayThreshold(rule)}; coloured: it would have been firing</span>
      </figcaption>
      <PastLine
        points={points}
        rule={rule}
        start={part.data.start}
        end={part.data.end}
        unit={unitOf(rule)}
        fired={spansOf(fired, preview.until)}
      />
    </figure>
  );
}

function Nearest({ rule, since }: Pick<Props, "rule" | "since">): ReactNode {
  const side = extremeSide(rule) ?? "max";
  const asked = useExtremes(rule.metric, rule.scope, side, since);
  if (asked.data === undefined) return asked.error === null ? <Skeleton height={196} /> : null;
  const found = extremeOf(asked.data.series, side);
  if (found === null) return null;
  return (
    <figure className={own.figure}>
      <figcaption className={css.small}>
        It came nearest {found.node === "" ? "" : <>on <strong>{found.node}</strong> </>}
        with {sayNumber(found.value, unitOf(rule))} <span className={css.dim}>fires {sayThreshold(rule)}</span>
      </figcaption>
      <PastLine points={found.points} rule={rule} start={asked.data.start} end={asked.data.end} unit={unitOf(rule)} />
    </figure>
  );
}

/** Which way the values have to go for it to fire; null: neither. */
function extremeSide({ op }: Pick<Body, "op">): "max" | "min" | null {
  if (op === ">" || op === ">=") return "max";
  return op === "<" || op === "<=" ? "min" : null;
}
