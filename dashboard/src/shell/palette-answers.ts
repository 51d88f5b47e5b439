// What the palette asks the controller when it is opened: alerts, rules, people, jobs. Used by Palette.tsx.
import { useDebouncedValue } from "@mantine/hooks";
import { useAnswer } from "../data/answer";
import { useMe } from "../data/me";
import { paths } from "../routing/paths";
import { entry, type Entry } from "./palette-entries";

const NEWEST = { query: { limit: 100 } };

export function useFoundThere(text: string): readonly Entry[] {
  const me = useMe();
  const [asked] = useDebouncedValue(text.trim(), 200);
  const prefix = /^[\w-]{3,40}$/.test(asked) ? asked.toLowerCase() : "";
  const alerts = useAnswer("/api/v1/alerts", NEWEST);
  const rules = useAnswer("/api/v1/alert-rules", {});
  const users = useAnswer("/api/v1/users", {}, { when: me.can("administer") });
  const jobs = useAnswer("/api/v1/jobs", NEWEST);
  const byId = useAnswer("/api/v1/jobs", { query: { id_prefix: prefix, limit: 6 } }, { when: prefix !== "" });
  const listed = jobs.data?.items ?? [];
  const others = (prefix === "" ? [] : (byId.data?.items ?? [])).filter(({ id }) => listed.every((one) => one.id !== id));
  return [
    ...(alerts.data?.items ?? []).map(({ fingerprint, rule, labels, state }) =>
      entry("Alerts", rule, [labels.node, state].filter(Boolean).join(" · "), `${paths.alerts}/${encodeURIComponent(fingerprint)}`, Object.values(labels).join(" ")),
    ),
    ...(rules.data?.items ?? []).map(({ name, metric }) => entry("Rules", name, "", `${paths.alerts}/rules?rule=${encodeURIComponent(name)}`, metric)),
    ...(users.data?.items ?? []).map(({ name, role }) => entry("People", name, role, `${paths.jobs}?owner=${encodeURIComponent(name)}`, role)),
    ...[...listed, ...others].map(({ id, name, owner, state }) => entry("Jobs", name === "" ? id : name, `${owner} · ${state.toLowerCase()}`, paths.job(id), `${id} ${owner}`)),
  ];
}
