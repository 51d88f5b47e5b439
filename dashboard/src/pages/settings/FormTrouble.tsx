// What went wrong with a form, unless its fields say it already. Used by the dialogs of page settings.
import { Refusal } from "../../components/Refusal";
import { Refused, type Trouble } from "../../data/refusal";

/** `fields`: those that the form shows. */
export function FormTrouble({ error, fields }: { error: Trouble | null; fields: readonly string[] }) {
  if (error === null) return null;
  const said = error instanceof Refused && error.fields.length > 0;
  if (said && error.fields.every(({ field }) => fields.includes(field))) return null;
  return <Refusal error={error} />;
}
