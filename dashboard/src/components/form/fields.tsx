// Fields of forms: each shows what the controller said of it, by its name in the request. Used by forms and dialogs.
import { NativeSelect, PasswordInput, Switch, Textarea, TextInput } from "@mantine/core";
import { fieldError } from "../../data/refusal";

interface Common {
  /** Its name in the request; errors of the controller are found by it. */
  readonly field: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** What the mutation threw, or a sentence. */
  readonly error?: unknown;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly required?: boolean;
  readonly disabled?: boolean;
  readonly placeholder?: string;
}

function said({ field, error, hint, required = false, disabled = false, placeholder = "" }: Omit<Common, "label" | "value" | "onChange">) {
  const wrong = typeof error === "string" ? error : fieldError(error, field);
  return {
    name: field,
    required,
    disabled,
    placeholder,
    ...(hint === undefined ? {} : { description: hint }),
    ...(wrong === undefined || wrong === "" ? {} : { error: wrong }),
  };
}

interface TextProps extends Common {
  /** As `autocomplete` of HTML. */
  readonly complete?: string;
  readonly autoFocus?: boolean;
}

export function TextField({ label, value, onChange, complete = "off", autoFocus = false, ...rest }: TextProps) {
  return (
    <TextInput
      {...said(rest)}
      label={label}
      value={value}
      autoComplete={complete}
      spellCheck={false}
      data-autofocus={autoFocus || undefined}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function SecretField({ label, value, onChange, complete = "off", ...rest }: TextProps) {
  return (
    <PasswordInput
      {...said(rest)}
      label={label}
      value={value}
      autoComplete={complete}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function LongField({ label, value, onChange, rows = 4, ...rest }: Common & { readonly rows?: number }) {
  return (
    <Textarea
      {...said(rest)}
      label={label}
      value={value}
      rows={rows}
      spellCheck={false}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export function ChoiceField({ label, value, onChange, choices, ...rest }: Common & { readonly choices: readonly Choice[] }) {
  return (
    <NativeSelect
      {...said(rest)}
      label={label}
      value={value}
      data={choices.map((one) => ({ ...one }))}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface SwitchProps extends Pick<Common, "field" | "label" | "hint" | "disabled"> {
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}

export function SwitchField({ field, label, hint, value, onChange, disabled = false }: SwitchProps) {
  return (
    <Switch
      name={field}
      label={label}
      {...(hint === undefined ? {} : { description: hint })}
      checked={value}
      disabled={disabled}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}
