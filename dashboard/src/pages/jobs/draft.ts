// What was typed into the submit form and not sent: kept in this tab for whoever typed it, so that a look elsewhere loses
// nothing. Variables are left out: they may be secrets. Used by SubmitPage.
import { EMPTY, type JobForm } from "./job-form";

const nameOf = (user: string): string => `sentinel.draft.${user}`;

/** null: nothing is worth keeping. */
export function draftText(form: JobForm): string | null {
  const kept = { ...form, environment: "" };
  const other = Object.entries(kept).filter(([field, value]) => value !== EMPTY[field as keyof JobForm]);
  return other.length === 0 ? null : JSON.stringify(Object.fromEntries(other));
}

/** What is not as a form has it is left out: an older dashboard may have written it. */
export function draftFrom(text: string | null): JobForm | null {
  if (text === null) return null;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const known = Object.entries(found).filter(
    ([field, value]) => Object.hasOwn(EMPTY, field) && typeof value === typeof EMPTY[field as keyof JobForm],
  );
  return known.length === 0 ? null : { ...EMPTY, ...(Object.fromEntries(known) as Partial<JobForm>) };
}

export function draftOf(user: string): JobForm | null {
  try {
    return draftFrom(sessionStorage.getItem(nameOf(user)));
  } catch {
    return null;
  }
}

/** null: there is none any more. A browser that keeps nothing keeps nothing: that is no trouble. */
export function keepDraft(user: string, form: JobForm | null): void {
  const text = form === null ? null : draftText(form);
  try {
    if (text === null) sessionStorage.removeItem(nameOf(user));
    else sessionStorage.setItem(nameOf(user), text);
  } catch {
    return;
  }
}
