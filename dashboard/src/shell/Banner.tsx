// Says that the controller cannot be heard, since when, and what is done about it: what is shown then is old. It lies at
// the bottom, where it moves nothing. Used by Shell.tsx.
import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Icon } from "../components/Icon";
import { StatusMark } from "../components/StatusBadge";
import { clock, exact } from "../data/format/moment";
import { duration } from "../data/format/quantity";
import { useLink } from "../data/link/link-store";
import { useNow } from "../data/useNow";
import classes from "./Banner.module.css";

export function Banner() {
  const link = useLink();
  return link.kind === "lost" ? <Lost since={link.since} heard={link.heardAt !== null} /> : null;
}

function Lost({ since, heard }: { readonly since: number; readonly heard: boolean }) {
  const client = useQueryClient();
  const now = useNow();
  const [trying, setTrying] = useState(false);
  const tryNow = () => {
    setTrying(true);
    void client.refetchQueries({ type: "active" }).finally(() => setTrying(false));
  };
  return (
    <div className={classes.banner}>
      <StatusMark status={{ tone: "bad", shape: "cross" }} />
      <p>
        {/* The count is not told aloud each second. */}
        <strong role="alert">{heard ? "The controller does not answer." : "The controller has not answered yet."}</strong>{" "}
        <span>
          {heard ? "Last heard" : "First asked"}{" "}
          <time dateTime={new Date(since).toISOString()} title={exact(since)}>
            {duration((now - since) / 1000)} ago, at {clock(since)}
          </time>
          .{heard ? " What is shown is from then; nothing can be sent." : ""} It is tried again every few seconds.
        </span>
      </p>
      <Button size="compact-sm" variant="default" leftSection={<Icon name="retry" />} loading={trying} onClick={tryNow}>
        Try now
      </Button>
    </div>
  );
}
