// What needs somebody, each with why and where to look. Used by FleetPage.tsx.
import { useMemo, useState } from "react";
import { ShowAll } from "../../components/ShowAll";
import { Panel } from "../../components/Page";
import { Skeleton } from "../../components/Skeleton";
import { StatusBadge } from "../../components/StatusBadge";
import { Time } from "../../components/Time";
import { useAnswer } from "../../data/answer";
import type { Fleet } from "../../data/fleet/fleet";
import { useWorkloads } from "../../data/machines";
import { Link } from "../../routing/Link";
import { type Concern, concernsOf } from "./attention";
import classes from "./Side.module.css";

const FEW = 6;
const ILL = { query: { state: ["firing"], severity: ["critical", "warning"], limit: 500 } } as const;

export function Attention({ fleet }: { readonly fleet: Fleet }) {
  const alerts = useAnswer("/api/v1/alerts", { query: { ...ILL.query, state: [...ILL.query.state], severity: [...ILL.query.severity] } }, { every: 15_000 });
  // Of all that runs only what lies idle: the rest would be hundreds of kilobytes for nothing.
  const workloads = useWorkloads(null, "idle");
  const [all, setAll] = useState(false);
  const [said, seen] = [alerts.data?.items, workloads.data?.items];
  const concerns = useMemo(() => concernsOf(fleet, said, seen), [fleet, said, seen]);
  const waiting = (alerts.pending || workloads.isPending) && concerns.length === 0;
  const unheard = (alerts.error !== null && said === undefined) || (workloads.error !== null && seen === undefined);
  return (
    <Panel title={<h2 className={classes.title}>Needs attention{concerns.length > 0 && <span className={classes.count}>{concerns.length}</span>}</h2>}>
      {waiting ? (
        <Skeleton height={64} />
      ) : concerns.length === 0 ? (
        <p className={classes.quiet}>
          {unheard ? "What is wrong could not be asked for." : "Nothing. No node is silent, no GPU is ill, blocked, or held without work."}
        </p>
      ) : (
        <ul className={classes.list}>
          {(all ? concerns : concerns.slice(0, FEW)).map((one) => (
            <One key={one.key} concern={one} />
          ))}
        </ul>
      )}
      {concerns.length > FEW && (
        <ShowAll onToggle={() => setAll(!all)}>
          {all ? "Show fewer" : `Show ${concerns.length - FEW} more`}
        </ShowAll>
      )}
    </Panel>
  );
}

function One({ concern: { tone, word, title, to, why, since } }: { readonly concern: Concern }) {
  return (
    <li className={classes.concern}>
      <div className={classes.line}>
        <StatusBadge status={tone}>{word}</StatusBadge>
        <Link to={to} className={classes.what}>
          {title}
        </Link>
        {since !== null && (
          <span className={classes.since}>
            <Time at={since} />
          </span>
        )}
      </div>
      {why !== null && <p className={classes.why}>{why}</p>}
    </li>
  );
}
