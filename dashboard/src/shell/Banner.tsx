// Says that the controller cannot be heard, and since when: what is shown then is old. Used by Shell.tsx.
import { Time } from "../components/Time";
import { StatusMark } from "../components/StatusBadge";
import { useLink } from "../data/link/link-store";
import classes from "./Shell.module.css";

export function Banner() {
  const link = useLink();
  if (link.kind !== "lost") return null;
  return (
    <div className={classes.banner} role="alert">
      <StatusMark status={{ tone: "bad", shape: "cross" }} />
      <span>
        The controller cannot be heard{" "}
        {link.heardAt === null ? (
          "yet"
        ) : (
          <>
            (last <Time at={link.heardAt} />)
          </>
        )}
        . What is shown is old. It is tried again by itself.
      </span>
    </div>
  );
}
