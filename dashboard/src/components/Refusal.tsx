// What went wrong with a call, and what to do next. Used by pages and forms.
import { Button } from "@mantine/core";
import { Refused, trouble } from "../data/refusal";
import classes from "./Refusal.module.css";
import { StatusMark } from "./StatusBadge";

interface Props {
  readonly error: unknown;
  readonly again?: (() => void) | undefined;
}

export function Refusal({ error, again }: Props) {
  const why = trouble(error);
  const refused = why instanceof Refused;
  const hint = refused ? why.hint : "It is tried again by itself. If this lasts: is the controller running?";
  return (
    <div className={classes.refusal} role="alert">
      <StatusMark status={{ tone: "bad", shape: "cross" }} />
      <div className={classes.words}>
        <strong>{sentence(refused ? why.detail : why.message)}</strong>
        {refused && why.fields.length > 0 && (
          <ul>
            {why.fields.map((one) => (
              <li key={`${one.field} ${one.message}`}>
                {one.field === "" ? "" : <code>{one.field}</code>} {one.message}
              </li>
            ))}
          </ul>
        )}
        {hint !== "" && <p>{sentence(hint)}</p>}
      </div>
      {again !== undefined && (
        <Button size="compact-xs" variant="default" onClick={again}>
          Ask again
        </Button>
      )}
    </div>
  );
}

/** The controller's sentences begin small, as the command line prints them. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?`:]$/.test(first) ? first : `${first}.`;
}
