// What the marks on the charts say, as a list: the newest first, each with the sign that it has there. Used by the page of a
// GPU.
import { useState } from "react";
import { ShowAll } from "../../components/ShowAll";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import classes from "./GpuPage.module.css";
import type { Mark } from "./marks";

const SIGNS: Readonly<Record<Mark["kind"], string>> = { begin: "▶", end: "■", bad: "✕", alert: "▲", node: "◆" };
const SHOWN = 12;

export function Happened({ marks }: { readonly marks: readonly Mark[] }) {
  const [all, setAll] = useState(false);
  if (marks.length === 0) return <p className={classes.quiet}>Nothing that is known of, in this time.</p>;
  const newest = [...marks].reverse();
  return (
    <>
      <ul className={classes.happened}>
        {(all ? newest : newest.slice(0, SHOWN))
          .map(({ at, kind, text, to }) => (
            <li key={`${at} ${kind} ${text}`}>
              <span className={classes.sign} data-kind={kind} aria-hidden="true">
                {SIGNS[kind]}
              </span>
              <span className={classes.text}>{to === undefined ? text : <Link to={to}>{text}</Link>}</span>
              <span className={classes.quiet}>
                <Time at={at * 1000} />
              </span>
            </li>
          ))}
      </ul>
      {newest.length > SHOWN && (
        <ShowAll onToggle={() => setAll(!all)}>
          {all ? "Show fewer" : `Show ${newest.length - SHOWN} more`}
        </ShowAll>
      )}
    </>
  );
}
