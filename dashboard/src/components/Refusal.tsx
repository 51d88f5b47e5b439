// What went wrong with a call, and what to do next. Used by pages and forms.
import { Button } from "@mantine/core";
import { ofChange } from "../data/query-client";
import { Refused, trouble } from "../data/refusal";
import { nextStep, pieces, sentence } from "./refusal-words";
import classes from "./Refusal.module.css";
import { StatusMark } from "./StatusBadge";

interface Props {
  readonly error: unknown;
  /** Asks again: for what only reads. */
  readonly again?: (() => void) | undefined;
}

export function Refusal({ error, again }: Props) {
  const why = trouble(error);
  const fields = why instanceof Refused ? why.fields : [];
  const hint = nextStep(why, again !== undefined || !ofChange(error));
  return (
    <div className={classes.refusal} role="alert">
      <StatusMark status={{ tone: "bad", shape: "cross" }} />
      <div className={classes.words}>
        <strong>
          <Said>{sentence(why instanceof Refused ? why.detail : why.message)}</Said>
        </strong>
        {fields.length > 0 && (
          <ul>
            {fields.map((one) => (
              <li key={`${one.field} ${one.message}`}>
                {one.field === "" ? "" : <code>{one.field}</code>} {one.message}
              </li>
            ))}
          </ul>
        )}
        {hint !== "" && (
          <p>
            <Said>{sentence(hint)}</Said>
          </p>
        )}
      </div>
      {again !== undefined && (
        <Button size="compact-xs" variant="default" onClick={again}>
          Ask again
        </Button>
      )}
    </div>
  );
}

function Said({ children }: { readonly children: string }) {
  return pieces(children).map(({ text, code }, nth) => (code ? <code key={nth}>{text}</code> : text));
}
