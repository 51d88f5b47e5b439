// Whose the GPU-hours were, a row for each. Used by page usage.
import { useMemo } from "react";
import { type Column, DataTable } from "../../components/table/DataTable";
import { Quantity } from "../../components/Quantity";
import { Unknown } from "../../components/Unknown";
import { useFleet } from "../../data/fleet/useFleet";
import type { UsageReport, UseRow } from "../../data/had";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { energy, gpuHours, percent } from "./hours";
import { idlePercent } from "./use";

type By = UsageReport["by"];

const HEADS: Readonly<Record<By, string>> = {
  user: "User",
  group: "Group",
  node: "Node",
  gpu: "GPU",
  model: "Model",
  origin: "Origin",
};

const PLURALS: Readonly<Record<By, string>> = {
  user: "users",
  group: "groups",
  node: "nodes",
  gpu: "GPUs",
  model: "models",
  origin: "origins",
};

const FIGURES: readonly Column<UseRow>[] = [
  {
    id: "held",
    head: "Held",
    hint: "Half a GPU for two hours is one GPU-hour",
    value: (row) => row.gpu_hours,
    cell: (row) => <Quantity value={gpuHours(row.gpu_hours)} />,
    width: 120,
    numeric: true,
  },
  {
    id: "idle",
    head: "Idle",
    hint: "Of that, while the GPU computed nothing",
    value: (row) => row.idle_gpu_hours,
    cell: (row) => of(row, gpuHours(row.idle_gpu_hours)),
    width: 120,
    numeric: true,
  },
  {
    id: "part",
    head: "Idle %",
    hint: "Of the time in which the load was known",
    value: idlePercent,
    cell: (row) => of(row, percent(idlePercent(row))),
    width: 88,
    numeric: true,
  },
  {
    id: "unknown",
    head: "Not known",
    hint: "Held while the load was not known, as with MIG",
    value: (row) => row.unknown_gpu_hours,
    cell: (row) => <Quantity value={gpuHours(row.unknown_gpu_hours)} />,
    width: 120,
    numeric: true,
  },
  {
    id: "energy",
    head: "Energy",
    hint: "Of what was held, where the power is known",
    value: (row) => row.energy_kwh,
    cell: (row) => of(row, energy(row.energy_kwh)),
    width: 110,
    numeric: true,
  },
  {
    id: "recorded",
    head: "Recorded",
    hint: "The part of the asked time in which the GPUs were recorded",
    value: (row) => row.coverage,
    cell: (row) => <Quantity value={percent(row.coverage === null ? null : 100 * row.coverage)} />,
    width: 100,
    numeric: true,
  },
];

/** Of nothing held, nothing is idle; that is not the same as not known. */
function of(row: UseRow, value: ReturnType<typeof gpuHours>) {
  return value === null && row.gpu_hours === 0 ? "—" : <Quantity value={value} />;
}

export function UsageTable({ by, rows }: { by: By; rows: readonly UseRow[] | undefined }) {
  const named = useGpuNames(by === "gpu");
  const columns = useMemo(
    () => [
      {
        id: "key",
        head: HEADS[by],
        value: (row: UseRow) => (named?.get(row.key) ?? row.key) || null,
        cell: (row: UseRow) => <Whose by={by} of={row.key} name={named?.get(row.key)} />,
        width: "grow" as const,
      },
      ...FIGURES,
    ],
    [by, named],
  );
  return (
    <DataTable
      name="usage"
      what={PLURALS[by]}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.key}
      order="-held"
      empty={null}
    />
  );
}

function Whose({ by, of: key, name }: { by: By; of: string; name: string | undefined }) {
  if (key === "") return by === "group" ? "in no group" : <Unknown why={`their ${by} is not known`} />;
  if (by === "user") return <Link to={`${paths.jobs}?owner=${encodeURIComponent(key)}`}>{key}</Link>;
  if (by === "node") return <Link to={paths.node(key)}>{key}</Link>;
  if (by === "gpu") return <Link to={paths.gpu(key)}>{name ?? key}</Link>;
  return key;
}

/** "node · index" by UUID, of GPUs that are there now. */
function useGpuNames(when: boolean): ReadonlyMap<string, string> | null {
  const { fleet } = useFleet();
  const gpus = when ? fleet?.gpus : undefined;
  const [uuids, nodes, indexes] = [gpus?.uuid, gpus?.node, gpus?.index];
  const names = fleet?.nodes;
  return useMemo(() => {
    if (uuids === undefined || nodes === undefined || indexes === undefined || names === undefined) return null;
    return new Map(
      uuids.map((uuid, row) => [uuid, `${names[nodes[row] ?? -1]?.name ?? "?"} · ${indexes[row] ?? "?"}`]),
    );
    // The names of nodes do not change while the GPUs of the fleet stay the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [uuids, nodes, indexes]);
}
