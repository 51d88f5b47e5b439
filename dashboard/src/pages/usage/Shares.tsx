// Quotas and fair share: what each user or group runs and has had, of what they may. Used by page usage.
import { Button, SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { type Column, DataTable } from "../../components/table/DataTable";
import { useMe } from "../../data/me";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { FairShare } from "./FairShare";
import { gpuHours } from "./hours";
import { Quantity } from "../../components/Quantity";
import { type Level, sentenceOf, type Share, sharesOf } from "./shares";
import { QuotaDialog } from "./QuotaDialog";
import css from "./Shares.module.css";
import { useAccounts, useStandings, type Whose } from "./standings-store";

const FIELDS = { shares: oneOf(["user", "group"] as const, "user") };

const COLUMNS: readonly Column<Share>[] = [
  { id: "name", head: "Name", value: ({ standing }) => standing.name, width: "grow" },
  {
    id: "running",
    head: "GPUs now",
    hint: "How many GPUs are had now, of how many may be",
    value: ({ standing }) => standing.running_gpus,
    cell: ({ running }) => <OfLimit level={running} shown={String(Number(running.had.toFixed(2)))} unit="" />,
    width: 110,
    numeric: true,
  },
  {
    id: "hours",
    head: "30 days",
    hint: "GPU-hours given out by the queue in 30 days, of how many may be",
    value: ({ standing }) => standing.gpu_hours,
    cell: ({ hours }) => <OfLimit level={hours} shown={gpuHours(hours.had)?.value ?? ""} unit="GPU-h" />,
    width: 140,
    numeric: true,
  },
  {
    id: "share",
    head: "Fair share",
    hint: "The part of what all have had lately, against the part that is due by weight: who had less comes first",
    value: ({ had }) => had,
    cell: (share) => <FairShare share={share} />,
    width: 190,
    numeric: true,
  },
];

export function Shares() {
  const me = useMe();
  const [{ shares: scope }, setView] = useUrlState(FIELDS);
  const usage = useStandings();
  const accounts = useAccounts();
  const rows = useMemo(() => (usage.data === undefined ? undefined : sharesOf(usage.data, scope)), [usage.data, scope]);
  const usual = accounts.data?.find((account) => account.scope === "default");
  const rules = me.can("operate");
  const [setting, setSetting] = useState<Whose | null>(null);
  const error = usage.error ?? accounts.error;
  return (
    <Panel
      title="Quotas and fair share"
      flush
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Whose"
          data={[
            { value: "user", label: "Users" },
            { value: "group", label: "Groups" },
          ]}
          value={scope}
          onChange={(value) => setView({ shares: value === "group" ? "group" : "user" })}
        />
      }
    >
      {error !== null && <Refusal error={error} />}
      <DataTable
        name="shares"
        what={scope === "user" ? "users" : "groups"}
        columns={COLUMNS}
        rows={rows}
        rowKey={({ standing }) => standing.name}
        order={null}
        onOpen={rules ? ({ standing }) => setSetting({ scope, name: standing.name }) : undefined}
        filters={
          rules && (
            <Button
              size="compact-xs"
              variant="default"
              disabled={accounts.data === undefined}
              onClick={() => setSetting({ scope: "default", name: "" })}
            >
              Quota of everybody
            </Button>
          )
        }
        empty={
          <EmptyState icon="chart" title={scope === "user" ? "Nobody has had GPUs" : "No group has had GPUs"}>
            {scope === "user"
              ? "Whoever submits a job is here once it has run."
              : "Groups count once a user is in one: an admin sets that in the settings, under Users."}
          </EmptyState>
        }
      />
      <p className={css.note}>
        {accounts.data === undefined
          ? "\u00a0"
          : usual !== undefined && sentenceOf(usual.limits) !== ""
            ? `Everybody without a quota of their own: ${sentenceOf(usual.limits)}.`
            : accounts.data.length === 0
              ? "No quotas are set: all come in turn by fair share alone."
              : "Whoever has no quota here has no limit."}
        {rules && ` Choose a ${scope} to set one.`}
      </p>
      {setting !== null && accounts.data !== undefined && (
        <QuotaDialog key={`${setting.scope} ${setting.name}`} whose={setting} onClose={() => setSetting(null)} />
      )}
    </Panel>
  );
}

function OfLimit({ level, shown, unit }: { level: Level; shown: string; unit: string }) {
  return (
    <span className={css.level}>
      <Quantity value={{ value: level.of === null ? shown : `${shown} / ${level.of}`, unit }} />
      {level.part !== null && (
        <span className={css.meter} data-state={level.state} title={WORDS[level.state]}>
          <span style={{ width: `${100 * level.part}%` }} />
        </span>
      )}
    </span>
  );
}

const WORDS: Readonly<Record<Level["state"], string>> = {
  free: "no limit",
  within: "within the limit",
  near: "close to the limit",
  over: "nothing more within the limit",
};
