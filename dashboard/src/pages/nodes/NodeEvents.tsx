// What happened to a node itself: joined, fell silent, was drained and by whom. Used by the page of a node.
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { StatusMark } from "../../components/StatusBadge";
import { Time } from "../../components/Time";
import { useEvents } from "../../data/machines";
import type { Node } from "../../data/node";
import { lookOf } from "../events/kinds";
import { saidOf } from "./node-events";
import classes from "./NodePage.module.css";

const TYPES = ["joined", "up", "silent", "dead", "rebooted", "changed", "drained", "resumed"].map((one) => `sentinel.node.${one}`);
const SHOWN = 20;

export function NodeEvents({ node }: { readonly node: Node }) {
  const events = useEvents(TYPES, node.id, SHOWN);
  if (events.data === undefined) return events.error === null ? <Skeleton rows={4} /> : <Refusal error={events.error} />;
  const found = [...events.data.items].reverse();
  if (found.length === 0) return <EmptyState title="Nothing is kept of it any more" />;
  return (
    <ul className={classes.events}>
      {found.map((event) => {
        const look = lookOf(event.type);
        return (
          <li key={event.id}>
            <StatusMark status={look} />
            <span>
              {look.word.replace(/^Node /, "").replace(/^./, (letter) => letter.toUpperCase())}
              <span className={classes.quiet}>{saidOf(event.data)}</span>
            </span>
            <span className={classes.quiet}>
              <Time at={event.time} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}
