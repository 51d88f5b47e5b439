// The submit form's fields. What is wrong is said at its field. Used by SubmitPage.
import { Checkbox, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { GROUPS, SIZE, type Field } from "./fields";
import { EMPTY, SIGNALS, type Errors, type JobForm } from "./job-form";
import classes from "./FormFields.module.css";

interface Props {
  readonly form: JobForm;
  readonly errors: Errors;
  readonly onChange: (change: Partial<JobForm>) => void;
}

/** What each group has beside its fields of words. */
const BESIDE: readonly (readonly (keyof JobForm)[])[] = [
  [],
  ["engine"],
  ["ifLost", "preemptible", "singleton"],
  ["stopSignal", "pty"],
];

export function FormFields({ form, errors, onChange }: Props) {
  const script = form.kind === "script";
  return (
    <>
      <div className={classes.what}>
        <SegmentedControl
          size="xs"
          aria-label="What to run"
          value={form.kind}
          data={[
            { value: "command", label: "Command" },
            { value: "script", label: "Script" },
          ]}
          onChange={(kind) => onChange({ kind: kind === "script" ? "script" : "command" })}
        />
        <Textarea
          label={script ? "Script" : "Command"}
          description={script ? "Run by bash." : "A program and its arguments, quoted as in a shell."}
          placeholder={script ? "source .venv/bin/activate\npython train.py" : "python train.py --epochs 10"}
          rows={script ? 8 : 2}
          required
          classNames={{ input: classes.mono ?? "" }}
          value={script ? form.script : form.command}
          error={script ? errors.script : errors.command}
          onChange={(event) =>
            onChange(script ? { script: event.currentTarget.value } : { command: event.currentTarget.value })
          }
        />
        <div className={classes.pair}>
          <Words
            of={{ field: "cwd", label: "Folder", placeholder: "/home/me/project", mono: true, help: "It must be there on the node." }}
            required
            {...{ form, errors, onChange }}
          />
          <Words
            of={{ field: "name", label: "Name", help: "For showing; else the program's." }}
            {...{ form, errors, onChange }}
          />
        </div>
      </div>
      <div className={classes.grid}>
        {SIZE.map((field) => (
          <Words key={field.field} of={field} {...{ form, errors, onChange }} />
        ))}
      </div>
      {GROUPS.map((group, at) => (
        <Fold
          key={group.title}
          title={group.title}
          wrong={[...group.fields.map((one) => one.field), ...(BESIDE[at] ?? [])].some((one) => errors[one] !== undefined)}
          given={[...group.fields.map((one) => one.field), ...(BESIDE[at] ?? [])].some((one) => form[one] !== EMPTY[one])}
        >
            {group.fields.map((field) => (
              <Words key={field.field} of={field} {...{ form, errors, onChange }} />
            ))}
            {at === 1 && (
              <NativeSelect
                label="Engine"
                description="Else what its node has."
                value={form.engine}
                error={errors.engine}
                data={[
                  { value: "", label: "any" },
                  { value: "docker", label: "Docker" },
                  { value: "podman", label: "Podman" },
                ]}
                onChange={(event) => onChange({ engine: event.currentTarget.value as JobForm["engine"] })}
              />
            )}
            {at === 2 && <Order form={form} onChange={onChange} />}
            {at === 3 && <Process form={form} errors={errors} onChange={onChange} />}
        </Fold>
      ))}
    </>
  );
}

interface FoldProps {
  readonly title: string;
  readonly wrong: boolean;
  readonly given: boolean;
  readonly children: ReactNode;
}

/** Closed until it is wanted, unless something is in it. What is wrong opens it, and it stays open once that is mended. */
function Fold({ title, wrong, given, children }: FoldProps) {
  const [open, setOpen] = useState(given);
  return (
    <details className={classes.group} open={open || wrong} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      <div className={classes.grid}>{children}</div>
    </details>
  );
}

function Order({ form, onChange }: Omit<Props, "errors">) {
  return (
    <>
      <NativeSelect
        label="Begins when those"
        description="Of the jobs that it comes after."
        value={form.afterKind}
        data={[
          { value: "ok", label: "have succeeded" },
          { value: "any", label: "have ended, however" },
          { value: "notok", label: "have failed or were canceled" },
        ]}
        onChange={(event) => onChange({ afterKind: event.currentTarget.value as JobForm["afterKind"] })}
      />
      <NativeSelect
        label="If its node goes silent"
        description="Nobody can tell whether it runs."
        value={form.ifLost}
        data={[
          { value: "requeue", label: "queue it again once it is proven gone" },
          { value: "fence", label: "its node ends it, then queue it again" },
          { value: "keep", label: "never queue it again by itself" },
        ]}
        onChange={(event) => onChange({ ifLost: event.currentTarget.value as JobForm["ifLost"] })}
      />
      <Checkbox
        label="May make room"
        description="Stopped, and queued again, for jobs of higher priority."
        checked={form.preemptible}
        onChange={(event) => onChange({ preemptible: event.currentTarget.checked })}
      />
      <Checkbox
        label="One at a time"
        description="Waits for your earlier jobs of its name."
        checked={form.singleton}
        onChange={(event) => onChange({ singleton: event.currentTarget.checked })}
      />
    </>
  );
}

function Process({ form, errors, onChange }: Props) {
  return (
    <>
      <NativeSelect
        label="Stop signal"
        description="What it is told to end by."
        value={form.stopSignal}
        error={errors.stopSignal}
        data={[...SIGNALS]}
        onChange={(event) => onChange({ stopSignal: event.currentTarget.value as JobForm["stopSignal"] })}
      />
      <Checkbox
        label="On a terminal of its own"
        description="For programs that want one, and to attach to."
        checked={form.pty}
        error={errors.pty}
        onChange={(event) => onChange({ pty: event.currentTarget.checked })}
      />
    </>
  );
}

function Words({ of, required = false, form, errors, onChange }: Props & { readonly of: Field; readonly required?: boolean }) {
  const common = {
    label: of.label,
    description: of.help,
    placeholder: of.placeholder,
    required,
    value: form[of.field],
    error: errors[of.field],
    autoComplete: "off",
    spellCheck: false,
    classNames: { input: of.mono === true ? (classes.mono ?? "") : "" },
  };
  return of.rows === undefined ? (
    <TextInput {...common} onChange={(event) => onChange({ [of.field]: event.currentTarget.value })} />
  ) : (
    <Textarea
      {...common}
      className={classes.wide ?? ""}
      rows={of.rows}
      onChange={(event) => onChange({ [of.field]: event.currentTarget.value })}
    />
  );
}
