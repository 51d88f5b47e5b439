// A quota as it is typed into its form, and the account that it comes to. Pure. Used by QuotaDialog.
import type { Account } from "../../data/had";

export interface QuotaForm {
  running_gpus: string;
  running_gpus_soft: string;
  queued_jobs: string;
  gpu_hours: string;
  gpu_hours_soft: string;
  weight: string;
}

export type QuotaField = keyof QuotaForm;

export interface Wanted {
  readonly weight: number;
  readonly limits: Account["limits"];
}

export interface FieldText {
  readonly field: QuotaField;
  readonly label: string;
  readonly hint: string;
}

export const QUOTA_FIELDS: readonly FieldText[] = [
  { field: "running_gpus", label: "GPUs at once, at most", hint: "What is above it waits." },
  { field: "running_gpus_soft", label: "GPUs at once, soft", hint: "What is above it makes room for others." },
  { field: "gpu_hours", label: "GPU-hours in 30 days, at most", hint: "Once they are used up, nothing more begins." },
  { field: "gpu_hours_soft", label: "GPU-hours in 30 days, soft", hint: "After that, last in line." },
  { field: "queued_jobs", label: "Jobs in the queue, at most", hint: "One more is refused." },
  { field: "weight", label: "Weight", hint: "The part of the GPUs that is due, against others'." },
];

export function formOf(account: Pick<Account, "weight" | "limits"> | null): QuotaForm {
  const said = (value: number | null | undefined) => (value === null || value === undefined ? "" : String(value));
  const limits = account?.limits;
  return {
    running_gpus: said(limits?.running_gpus),
    running_gpus_soft: said(limits?.running_gpus_soft),
    queued_jobs: said(limits?.queued_jobs),
    gpu_hours: said(limits?.gpu_hours),
    gpu_hours_soft: said(limits?.gpu_hours_soft),
    weight: said(account?.weight ?? 1),
  };
}

export interface Read {
  readonly errors: Partial<Record<QuotaField, string>>;
  /** null while something is wrong. */
  readonly wanted: Wanted | null;
}

/** Empty is "no limit", and a weight of one. */
export function read(form: QuotaForm): Read {
  const errors: Partial<Record<QuotaField, string>> = {};
  const figure = (field: QuotaField, whole: boolean): number | null => {
    const text = form[field].trim();
    if (text === "") return null;
    const value = Number(text);
    if (!/^\d{1,12}(\.\d{1,6})?$/.test(text) || (whole && !Number.isInteger(value))) {
      errors[field] = whole ? "A whole number, or empty: no limit." : "A number, or empty: no limit.";
      return null;
    }
    return value;
  };
  const limits = {
    running_gpus: figure("running_gpus", true),
    running_gpus_soft: figure("running_gpus_soft", true),
    queued_jobs: figure("queued_jobs", true),
    gpu_hours: figure("gpu_hours", false),
    gpu_hours_soft: figure("gpu_hours_soft", false),
  };
  const above = (soft: "running_gpus_soft" | "gpu_hours_soft", hard: "running_gpus" | "gpu_hours") => {
    const [one, other] = [limits[soft], limits[hard]];
    if (one !== null && other !== null && one > other) errors[soft] = "Not more than at most.";
  };
  above("running_gpus_soft", "running_gpus");
  above("gpu_hours_soft", "gpu_hours");
  const weight = form.weight.trim() === "" ? 1 : figure("weight", false);
  if (weight === null) errors.weight = "A number above 0; empty is 1.";
  else if (weight < 0.001) errors.weight = "At least 0.001.";
  return { errors, wanted: Object.keys(errors).length > 0 || weight === null ? null : { weight, limits } };
}
