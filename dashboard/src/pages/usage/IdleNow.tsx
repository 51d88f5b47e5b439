// The jobs whose GPUs compute nothing just now, to be looked at. Used by page usage.
import { EmptyState } from "../../components/EmptyState";
import { Panel } from "../../components/Page";
import { Skeleton } from "../../components/Skeleton";
import { Unknown } from "../../components/Unknown";
import { useFleet } from "../../data/fleet/useFleet";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { idleNow } from "./idle-now";
import css from "./IdleNow.module.css";

const MOST = 10;

export function IdleNow() {
  const { fleet } = useFleet();
  const found = fleet === null ? undefined : idleNow(fleet);
  const all = found?.reduce((sum, one) => sum + one.idle, 0) ?? 0;
  return (
    <Panel title={found === undefined ? "Held and idle now" : `Held and idle now · ${all} ${all === 1 ? "GPU" : "GPUs"}`} flush>
      {found === undefined && <Skeleton rows={6} />}
      {found?.length === 0 && (
        <EmptyState title="All that is held computes">Jobs that hold GPUs and compute nothing on them are listed here.</EmptyState>
      )}
      {found !== undefined && found.length > 0 && (
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">Owner</th>
              <th scope="col">Node</th>
              <th scope="col" className={css.number}>
                Idle GPUs
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, MOST).map((one) => (
              <tr key={one.job}>
                <td>
                  <Link to={paths.job(one.job)}>{one.job}</Link>
                </td>
                <td>{one.owner ?? <Unknown />}</td>
                <td>{one.node === "" ? <Unknown /> : <Link to={paths.node(one.node)}>{one.node}</Link>}</td>
                <td className={css.number}>
                  {one.idle} of {one.gpus}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className={css.note}>
        {found !== undefined && found.length > MOST && `${found.length - MOST} more jobs leave some idle. `}
        At a load of 5 % or less, at this moment. Who was idle for long has a high “Idle” above.
      </p>
    </Panel>
  );
}
