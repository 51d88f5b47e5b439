// The totals of the asked time, as figures. Used by page usage.
import { Quantity } from "../../components/Quantity";
import { Skeleton } from "../../components/Skeleton";
import type { UsageReport } from "../../data/had";
import css from "./Figures.module.css";
import { energy, gpuHours, percent } from "./hours";
import { idleEnergyAtMost, idlePercent } from "./use";

const WHOLE = 0.995;

export function Figures({ report }: { report: UsageReport | undefined }) {
  if (report === undefined) {
    return (
      <div className={css.loading}>
        <Skeleton height={56} />
      </div>
    );
  }
  const { totals } = report;
  const wasted = idleEnergyAtMost(totals);
  const covered = totals.coverage === null ? null : 100 * totals.coverage;
  return (
    <>
      <dl className={css.figures}>
        <div>
          <dt>Held</dt>
          <dd>
            <Quantity value={gpuHours(totals.gpu_hours)} />
          </dd>
        </div>
        <div>
          <dt title="While the GPU computed nothing: a load of 5 % or less">Idle</dt>
          <dd>
            <Quantity value={gpuHours(totals.idle_gpu_hours)} why="nothing is known of it" />
            <small>
              <Quantity value={percent(idlePercent(totals))} why="it was never known whether they were idle" />
            </small>
          </dd>
        </div>
        <div>
          <dt title="Held while the load was not known: the card does not say, as with MIG">Load not known</dt>
          <dd>
            <Quantity value={gpuHours(totals.unknown_gpu_hours)} />
          </dd>
        </div>
        <div>
          <dt>Energy</dt>
          <dd>
            <Quantity value={energy(totals.energy_kwh)} why="no GPU tells its power" />
            {wasted !== null && (
              <small title="As if the idle ones had taken as much as the others; idle ones take less">
                idle: at most <Quantity value={energy(wasted)} />
              </small>
            )}
          </dd>
        </div>
        <div>
          <dt title="The part of the asked time in which the GPUs were recorded">Recorded</dt>
          <dd>
            <Quantity value={percent(covered)} why="how much was recorded is not known" />
          </dd>
        </div>
      </dl>
      <p className={css.note}>
        {covered === null || covered < 100 * WHOLE
          ? "What the GPUs did while they were not recorded is in no figure here."
          : "The GPUs were recorded all the time."}
      </p>
    </>
  );
}
