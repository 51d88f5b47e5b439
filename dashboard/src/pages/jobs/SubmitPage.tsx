// Submitting a job, with what would become of it beside the form while one types. The page of /jobs/new.
//
// `from` in the address fills the form from a job that there was, `with` changes it as the controller suggested.
import { Button } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Page } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { isArray, type Change } from "../../data/job";
import { useMe } from "../../data/me";
import { Refused } from "../../data/refusal";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useEnvironment, useJob, usePreview, useSubmit } from "./asking";
import { draftOf, draftText, keepDraft } from "./draft";
import { FormFields } from "./FormFields";
import { changed, formOf } from "./job-again";
import { EMPTY, FIELD_OF, read, type Errors, type JobForm } from "./job-form";
import { InTerminal, Outlook } from "./Outlook";
import classes from "./SubmitPage.module.css";

const FIELDS = { from: text(), with: text() };

export function SubmitPage() {
  const { can } = useMe();
  const [view] = useUrlState(FIELDS);
  if (!can("submit")) {
    return (
      <Page title="Submit a job">
        <EmptyState title="You may look, and not submit">An admin can give you the role of a member.</EmptyState>
      </Page>
    );
  }
  if (view.from === "") return <Fresh />;
  return <FormFrom key={`${view.from} ${view.with}`} id={view.from} change={view.with} />;
}

/** Empty, or as it was left before. */
function Fresh() {
  const me = useMe();
  const [draft] = useState(() => draftOf(me.user));
  return <Form start={draft ?? EMPTY} note={draft === null ? "" : "As you left it. Variables are not kept: they may be secrets."} kept />;
}

function FormFrom({ id, change }: { readonly id: string; readonly change: string }) {
  const me = useMe();
  const found = useJob(id);
  const job = found.data === undefined || isArray(found.data) ? undefined : found.data;
  const own = job?.owner === me.user && me.can("control-own");
  const environment = useEnvironment(id, own);
  if (found.data !== undefined && job === undefined) {
    return (
      <Page title="Submit a job">
        <EmptyState title={`${id} is an array`}>Choose one of its tasks to submit one alike.</EmptyState>
      </Page>
    );
  }
  if (job === undefined || (own && environment.data === undefined && environment.error === null)) {
    return (
      <Page title="Submit a job">
        {found.error === null ? <Skeleton height={480} /> : <Refusal error={found.error} />}
      </Page>
    );
  }
  const values = environment.data ?? {};
  const form = formOf(job.spec, values);
  const lost = Object.entries(values).filter(([, value]) => value.includes("\n"));
  const notes = [
    `As ${job.id} was asked for.`,
    own ? "" : "Its environment is its owner's alone, and is not taken over.",
    lost.length === 0 ? "" : `Not taken over, since their values have several lines: ${lost.map(([name]) => name).join(", ")}.`,
  ];
  return <Form start={changed(form, changeIn(change)) ?? form} note={notes.filter((one) => one !== "").join(" ")} />;
}

function changeIn(json: string): Change["change"] {
  try {
    const found: unknown = JSON.parse(json);
    return typeof found === "object" && found !== null ? (found as Change["change"]) : {};
  } catch {
    return {};
  }
}

interface FormProps {
  readonly start: JobForm;
  readonly note: string;
  /** Whether what is typed is kept for later: not where it is filled from something that stays. */
  readonly kept?: boolean;
}

function Form({ start, note, kept = false }: FormProps) {
  const me = useMe();
  const [form, setForm] = useState(start);
  // What is missing is said once somebody has tried; what is wrong is said at once.
  const [tried, setTried] = useState(false);
  const key = useRef<{ readonly body: string; readonly key: string } | null>(null);
  const submit = useSubmit();
  const { body, errors } = read(form);
  // Asked a moment after the last key.
  const [settled] = useDebouncedValue(form, 400);
  const asked = read(settled).body;
  const preview = usePreview(asked);
  const shown = { ...visible(errors, form, tried), ...refusedFields(preview.error, form), ...refusedFields(submit.error, form) };
  useEffect(() => {
    if (kept) keepDraft(me.user, settled);
  }, [kept, me.user, settled]);

  function send(): void {
    setTried(true);
    if (body === null) return;
    const said = JSON.stringify(body);
    if (key.current?.body !== said) key.current = { body: said, key: crypto.randomUUID() };
    submit.mutate(
      { body, key: key.current.key },
      {
        onSuccess: (made) => {
          if (kept) keepDraft(me.user, null);
          go(paths.job(made.id));
        },
      },
    );
  }
  return (
    <Page
      title="Submit a job"
      actions={
        kept &&
        draftText(form) !== null && (
          <Button size="xs" variant="default" onClick={() => setForm(EMPTY)}>
            Clear the form
          </Button>
        )
      }
    >
      {note !== "" && <p className={classes.note}>{note}</p>}
      <div className={classes.columns}>
        <form
          className={classes.form}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <FormFields form={form} errors={shown} onChange={(change) => setForm((before) => ({ ...before, ...change }))} />
          {submit.error !== null && <Refusal error={submit.error} />}
          <div className={classes.buttons}>
            <Button type="submit" loading={submit.isPending}>
              Submit
            </Button>
            {tried && body === null && <span className={classes.wrong}>Something is missing or wrong above.</span>}
          </div>
        </form>
        <div className={classes.beside}>
          <Outlook
            body={asked}
            preview={preview}
            onTake={(change) => setForm((before) => changed(before, change.change) ?? before)}
          />
          <InTerminal body={asked} />
        </div>
      </div>
    </Page>
  );
}

function visible(errors: Errors, form: JobForm, tried: boolean): Errors {
  if (tried) return errors;
  return Object.fromEntries(
    Object.entries(errors).filter(([field]) => form[field as keyof JobForm] !== EMPTY[field as keyof JobForm]),
  );
}

/** What the controller said of single fields, at the fields that stand for them here. */
function refusedFields(error: Error | null, form: JobForm): Errors {
  if (!(error instanceof Refused)) return {};
  const found: Errors = {};
  for (const { field, message } of error.fields) {
    const name = FIELD_OF[field.split(".")[0] ?? ""];
    if (name !== undefined) found[name === "command" ? form.kind : name] = message;
  }
  return found;
}
