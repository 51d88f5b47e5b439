// The parts of a gang: one a node. Used by JobPage.
import { Unknown } from "../../components/Unknown";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import type { Part } from "../../data/job";
import { JobStateBadge } from "./JobStateBadge";
import classes from "./Parts.module.css";

interface Props {
  readonly parts: readonly Part[];
  /** Whose log is shown. */
  readonly rank: number;
  readonly onRank: (rank: number) => void;
}

export function Parts({ parts, rank, onRank }: Props) {
  if (parts.length === 0) return <p className={classes.none}>It has no parts until it is placed: all of them at once.</p>;
  return (
    <div className={classes.scroll}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col" className={classes.number}>
              Rank
            </th>
            <th scope="col">State</th>
            <th scope="col">Node</th>
            <th scope="col" className={classes.number}>
              Exit code
            </th>
            <th scope="col">Log</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.id}>
              <td className={classes.number}>
                <Link to={paths.job(part.id)}>{part.rank}</Link>
              </td>
              <td>
                <JobStateBadge state={part.state} />
              </td>
              <td>
                {part.node === null ? (
                  <Unknown />
                ) : (
                  <Link to={paths.node(part.node)}>{part.node}</Link>
                )}
              </td>
              <td className={classes.number}>{part.exit_code ?? ""}</td>
              <td>
                <button
                  type="button"
                  className={classes.choose}
                  aria-pressed={part.rank === rank}
                  onClick={() => onRank(part.rank)}
                >
                  {part.rank === rank ? "shown below" : "show"}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
